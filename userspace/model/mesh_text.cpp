// SPDX-License-Identifier: Apache-2.0
#include "userspace/model/mesh_text.h"

#include <array>
#include <cstdio>

namespace weir {

std::uint64_t fnv1a(const std::string& text, std::uint64_t hash) {
    for (const unsigned char byte : text) {
        hash ^= byte;
        hash *= 0x100000001b3ULL;
    }
    return hash;
}

std::string digest_str(std::uint64_t digest) {
    std::array<char, 17> text{};
    std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(digest));
    return text.data();
}

FileText::FileText(std::string text) {
    const auto digest = fnv1a(text);
    content_ = std::make_shared<const Content>(Content{std::move(text), digest});
}

std::uint64_t MeshText::digest() const {
    std::uint64_t hash = fnv1a("");
    for (const auto& file : files)
        // Lengths keep "ab" + "c" apart from "a" + "bc".
        hash = fnv1a(std::to_string(file.name.size()) + ":" + file.name + ":" +
                         std::to_string(file.text.digest()) + ":",
                     hash);
    return hash;
}

}  // namespace weir

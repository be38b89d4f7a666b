// SPDX-License-Identifier: Apache-2.0
#include "userspace/model/mesh_text.h"

namespace weir {

std::uint64_t fnv1a(const std::string& text, std::uint64_t hash) {
    for (const unsigned char byte : text) {
        hash ^= byte;
        hash *= 0x100000001b3ULL;
    }
    return hash;
}

std::uint64_t MeshText::digest() const {
    std::uint64_t hash = fnv1a("");
    for (const auto& file : files)
        // Lengths keep "ab" + "c" apart from "a" + "bc".
        hash = fnv1a(std::to_string(file.name.size()) + ":" + file.name + ":" +
                         std::to_string(file.text.size()) + ":" + file.text,
                     hash);
    return hash;
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// The mesh as it was written: files and their texts. What a snapshot is parsed from, what is saved
// as the last good state, and what a digest identifies.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weir {

struct MeshFile {
    std::string name;  // without the directory
    std::string text;
    bool operator==(const MeshFile&) const = default;
};

struct MeshText {
    std::string directory;        // as the user named it; for messages
    std::vector<MeshFile> files;  // sorted by name
    // FNV-1a over names and texts; the directory's own name does not count.
    std::uint64_t digest() const;
};

// FNV-1a, 64 bits (Fowler, Noll, Vo); to notice change and damage, not attack.
std::uint64_t fnv1a(const std::string& text, std::uint64_t hash = 0xcbf29ce484222325ULL);

}  // namespace weir

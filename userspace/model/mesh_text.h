// SPDX-License-Identifier: Apache-2.0
// The mesh as it was written: files and their texts. What a snapshot is parsed from, what is saved
// as the last good state, and what a digest identifies.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace weir {

// FNV-1a, 64 bits (Fowler, Noll, Vo); to notice change and damage, not attack.
std::uint64_t fnv1a(const std::string& text, std::uint64_t hash = 0xcbf29ce484222325ULL);

// A digest as it is shown: 16 hex digits.
std::string digest_str(std::uint64_t digest);

// A file's content, shared by all who hold it.
class FileText {
  public:
    FileText(std::string text = {});
    FileText(const char* text) : FileText(std::string(text)) {}
    const std::string& str() const { return content_->text; }
    std::uint64_t digest() const { return content_->digest; }  // FNV-1a
    friend bool operator==(const FileText& a, const FileText& b) {
        return a.content_ == b.content_ || (a.digest() == b.digest() && a.str() == b.str());
    }

  private:
    struct Content {
        std::string text;
        std::uint64_t digest;
    };
    std::shared_ptr<const Content> content_;
};

struct MeshFile {
    std::string name;  // without the directory
    FileText text;
    bool operator==(const MeshFile&) const = default;
};

struct MeshText {
    std::string directory;        // as the user named it; for messages
    std::vector<MeshFile> files;  // sorted by name
    // FNV-1a over names and the digests of texts; the directory's own name does not count.
    std::uint64_t digest() const;
};

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// From YAML nodes to values of a type, with an error at the node's place for everything that does
// not fit: wrong kinds, unknown keys (with the nearest known one), numbers out of range. Reading
// goes on after an error, so that all are found at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "userspace/source/phrase.h"
#include "userspace/source/yaml_node.h"

namespace weir {

// A few words to choose from, written as {"a", "b"} or as a vector of views.
class Words : public std::span<const std::string_view> {
  public:
    Words(std::initializer_list<std::string_view> words) : span(words.begin(), words.size()) {}
    Words(const std::vector<std::string_view>& words) : span(words) {}
};

// The candidate nearest to `word` by edit distance; "" when none is near.
std::string nearest(std::string_view word, Words candidates);

// A mapping being read. `what` names it in messages: "service \"orders.shop\"".
class MappingReader {
  public:
    // Complains when the node is no mapping (a null is an empty one), and about keys not in
    // `known`.
    MappingReader(const YamlNode& node, Phrase what, Words known, Diagnostics& found);

    bool ok() const { return ok_; }
    // nullptr: the key is missing or null.
    const YamlNode* find(std::string_view key) const;
    // As find, with a complaint when there is nothing.
    const YamlNode* require(std::string_view key) const;

    // Where the value stands, else the mapping: for complaints about a field.
    Origin origin_of(std::string_view key) const;
    const Phrase& what() const { return what_; }

  private:
    const YamlNode& node_;
    Phrase what_;
    Diagnostics& found_;
    bool ok_ = true;
};

// Each complains and gives nullopt when the node is of another kind or out of range.
std::optional<std::string> read_string(const YamlNode& node, const Phrase& what,
                                       Diagnostics& found);
std::optional<std::uint64_t> read_number(const YamlNode& node, const Phrase& what,
                                         std::uint64_t low, std::uint64_t high, Diagnostics& found);
// "500ms", "30s", "10m", "3h"; nullopt after a complaint.
std::optional<std::chrono::milliseconds> read_duration(const YamlNode& node, const Phrase& what,
                                                       std::chrono::milliseconds low,
                                                       std::chrono::milliseconds high,
                                                       Diagnostics& found);
// One of some words, as its index; a complaint names the nearest.
std::optional<std::size_t> read_choice(const YamlNode& node, const Phrase& what, Words choices,
                                       Diagnostics& found);
// The items of a sequence; a null or missing one is empty.
std::span<const YamlNode> read_list(const YamlNode* node, const Phrase& what, Diagnostics& found);

}  // namespace weir

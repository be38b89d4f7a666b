// SPDX-License-Identifier: Apache-2.0
#include "userspace/source/binder.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "userspace/model/duration.h"

namespace weir {
namespace {

const char* kind_name(YamlNode::Kind kind) {
    switch (kind) {
        case YamlNode::Kind::kNull: return "nothing";
        case YamlNode::Kind::kScalar: return "a single value";
        case YamlNode::Kind::kSequence: return "a list";
        case YamlNode::Kind::kMapping: return "a mapping";
    }
    return "";
}

// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); i++) {
        std::size_t diagonal = row[0]++;
        for (std::size_t j = 0; j < b.size(); j++) {
            const auto change = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, change});
        }
    }
    return row.back();
}

}  // namespace

std::string nearest(std::string_view word, Words candidates) {
    if (word.size() > 64)
        return "";
    std::string best;
    std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const auto& candidate : candidates) {
        const auto d = distance(word, candidate);
        if (d < best_distance) {
            best = candidate;
            best_distance = d;
        }
    }
    return best;
}

MappingReader::MappingReader(const YamlNode& node, Phrase what, Words known, Diagnostics& found)
    : node_(node), what_(std::move(what)), found_(found) {
    if (node.kind == YamlNode::Kind::kNull)
        return;
    if (node.kind != YamlNode::Kind::kMapping) {
        found.error(node.origin, what_ + " is " + kind_name(node.kind) + ", not a mapping");
        ok_ = false;
        return;
    }
    for (const auto& [key, value] : node.entries) {
        if (std::find(known.begin(), known.end(), key.scalar) != known.end())
            continue;
        const auto near = nearest(key.scalar, known);
        std::string list;
        for (const auto& one : known)
            list.append(list.empty() ? "" : ", ").append(one);
        found.error(key.origin, "unknown key \"" + key.scalar + "\" in " + what_.str() +
                                    (near.empty() ? "; known are " + list
                                                  : ": did you mean \"" + near + "\"?"));
    }
}

const YamlNode* MappingReader::find(std::string_view key) const {
    for (const auto& [name, value] : node_.entries)
        if (name.scalar == key)
            return value.kind == YamlNode::Kind::kNull ? nullptr : &value;
    return nullptr;
}

const YamlNode* MappingReader::require(std::string_view key) const {
    const YamlNode* value = find(key);
    if (value == nullptr && ok_)
        found_.error(origin_of(key), what_ + " needs `" + std::string(key) + "`");
    return value;
}

Origin MappingReader::origin_of(std::string_view key) const {
    for (const auto& [name, value] : node_.entries)
        if (name.scalar == key)
            return value.origin;
    return node_.origin;
}

std::optional<std::string> read_string(const YamlNode& node, const Phrase& what,
                                       Diagnostics& found) {
    if (node.kind == YamlNode::Kind::kScalar)
        return node.scalar;
    found.error(node.origin, what + " is " + kind_name(node.kind) + ", not a single value");
    return std::nullopt;
}

std::optional<std::uint64_t> read_number(const YamlNode& node, const Phrase& what,
                                         std::uint64_t low, std::uint64_t high,
                                         Diagnostics& found) {
    const auto text = read_string(node, what, found);
    if (!text)
        return std::nullopt;
    std::uint64_t number = 0;
    const auto* end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, number);
    if (error == std::errc() && stop == end && number >= low && number <= high)
        return number;
    found.error(node.origin, what + " is \"" + text->substr(0, 64) + "\", not a number from " +
                                 std::to_string(low) + " to " + std::to_string(high));
    return std::nullopt;
}

std::optional<std::chrono::milliseconds> read_duration(const YamlNode& node, const Phrase& what,
                                                       std::chrono::milliseconds low,
                                                       std::chrono::milliseconds high,
                                                       Diagnostics& found) {
    const auto text = read_string(node, what, found);
    if (!text)
        return std::nullopt;
    const auto duration = parse_duration(*text);
    if (duration && *duration >= low && *duration <= high)
        return duration;
    found.error(node.origin, what + " is \"" + text->substr(0, 64) + "\", not a time from " +
                                 duration_str(low) + " to " + duration_str(high) +
                                 ": write a number and its unit, such as 30s or 3h");
    return std::nullopt;
}

std::optional<std::size_t> read_choice(const YamlNode& node, const Phrase& what, Words choices,
                                       Diagnostics& found) {
    const auto text = read_string(node, what, found);
    if (!text)
        return std::nullopt;
    const auto chosen = std::find(choices.begin(), choices.end(), *text);
    if (chosen != choices.end())
        return static_cast<std::size_t>(chosen - choices.begin());
    const auto near = nearest(*text, choices);
    std::string all;
    for (const auto& choice : choices)
        all.append(all.empty() ? "" : &choice == &choices.back() ? " or " : ", ").append(choice);
    found.error(node.origin,
                what + " is \"" + text->substr(0, 64) + "\"" +
                    (near.empty() ? ": write " + all : ": did you mean \"" + near + "\"?"));
    return std::nullopt;
}

std::span<const YamlNode> read_list(const YamlNode* node, const Phrase& what, Diagnostics& found) {
    if (node == nullptr)
        return {};
    if (node->kind == YamlNode::Kind::kSequence)
        return node->items;
    found.error(node->origin, what + " is " + kind_name(node->kind) + ", not a list");
    return {};
}

}  // namespace weir

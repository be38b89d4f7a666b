// SPDX-License-Identifier: Apache-2.0
// A YAML document as a tree in which every node knows its line and column. Made of libyaml's
// events, since its marks are exact and it ends on every input; aliases, tags, several documents
// and deep or huge trees are refused.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "userspace/model/origin.h"

namespace weir {

struct YamlEntry;

struct YamlNode {
    enum class Kind { kNull, kScalar, kSequence, kMapping };
    Kind kind = Kind::kNull;
    Origin origin;
    std::string scalar;  // as written, quotes resolved
    std::vector<YamlNode> items;
    std::vector<YamlEntry> entries;  // keys are scalars and unique
};

struct YamlEntry {
    YamlNode key, value;
};

inline constexpr std::size_t kYamlDepthMax = 32;
inline constexpr std::size_t kYamlNodesMax = 4'000'000;

// nullopt: the text is no YAML that weir takes; `found` says where and why. An empty text is a
// null.
std::optional<YamlNode> parse_yaml(const std::string& text, const std::string& file,
                                   Diagnostics& found);

}  // namespace weir

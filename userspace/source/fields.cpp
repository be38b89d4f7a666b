// SPDX-License-Identifier: Apache-2.0
#include "userspace/source/fields.h"

#include <algorithm>
#include <cctype>

#include "maps/abi/workload.h"

namespace weir {
namespace {

constexpr std::size_t kNameMax = 253, kLabelMax = 63;

bool is_label_text(const std::string& text, bool may_have_slash) {
    return text.size() <= (may_have_slash ? kNameMax + 1 + kLabelMax : kLabelMax) &&
           std::all_of(text.begin(), text.end(), [&](unsigned char c) {
               return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' ||
                      (may_have_slash && c == '/');
           });
}

}  // namespace

Phrase quoted(std::string_view kind, std::string_view name) {
    return {kind, " \"", name, "\""};
}

bool is_name(const std::string& name) {
    bool word_start = true;
    for (const char c : name) {
        const bool alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!alnum && (word_start || (c != '-' && c != '.')))
            return false;
        word_start = c == '.';
    }
    return !name.empty() && !word_start && name.back() != '-' && name.size() <= kNameMax;
}

bool check_name(const YamlNode& key, std::string_view kind, Diagnostics& found) {
    if (is_name(key.scalar))
        return true;
    found.error(key.origin, quoted(kind, key.scalar.substr(0, 80)) +
                                " is no name: write lower-case letters, digits and dashes, "
                                "such as orders.shop");
    return false;
}

std::optional<std::string> read_name(const YamlNode& node, const Phrase& what, Diagnostics& found) {
    auto text = read_string(node, what, found);
    if (text && !is_name(*text)) {
        found.error(node.origin, what + " is \"" + text->substr(0, 64) +
                                     "\": write lower-case letters, digits and dashes");
        return std::nullopt;
    }
    return text;
}

std::optional<Addr> read_addr(const YamlNode& node, const Phrase& what, Diagnostics& found) {
    const auto text = read_string(node, what, found);
    if (!text)
        return std::nullopt;
    const auto addr = Addr::parse(*text);
    std::string why;
    if (!addr)
        why = "is no IPv4 or IPv6 address";
    else if (addr->is_unspecified())
        why = "is the unspecified address: write a real one";
    else if (addr->is_multicast())
        why = "is a multicast address: connections need a unicast one";
    else
        return addr;
    found.error(node.origin, what + " \"" + text->substr(0, 64) + "\" " + why);
    return std::nullopt;
}

std::optional<std::string> read_cgroup_pattern(const YamlNode& node, const Phrase& what,
                                               Diagnostics& found) {
    auto text = read_string(node, what, found);
    if (!text)
        return std::nullopt;
    std::string pattern = text->starts_with('/') ? *text : "/" + *text;
    while (pattern.size() > 1 && pattern.back() == '/')
        pattern.pop_back();
    const auto star = pattern.find('*');
    std::string why;
    if (star != std::string::npos && star + 1 != pattern.size())
        why = "has a * before its end: only one at the end is supported";
    else if (pattern == "/" || pattern.find('\0') != std::string::npos)
        why = "names no cgroup: write a path from the cgroup2 root, such as shop.slice/frontend*";
    else if (pattern.size() >= WEIR_CGROUP_PATH_MAX)
        why = "is longer than " + std::to_string(WEIR_CGROUP_PATH_MAX - 1) + " bytes";
    else
        return pattern;
    found.error(node.origin, what + " " + why);
    return std::nullopt;
}

Labels read_labels(const YamlNode& node, const Phrase& what, Diagnostics& found) {
    Labels labels;
    if (node.kind != YamlNode::Kind::kMapping) {
        found.error(node.origin, what + " is no mapping: write it as {app: orders, version: v1}");
        return labels;
    }
    for (const auto& [key, value] : node.entries) {
        const std::string label = "label \"" + key.scalar.substr(0, 80) + "\" of ";
        const Phrase one = label.c_str() + what;
        const auto text = value.kind == YamlNode::Kind::kNull ? std::optional<std::string>("")
                                                              : read_string(value, one, found);
        if (key.scalar.empty() || !is_label_text(key.scalar, true) ||
            (text && !is_label_text(*text, false)))
            found.error(value.origin,
                        one +
                            " has more than letters, digits, -, _ and ., or is longer "
                            "than 63 characters");
        else if (text)
            labels.emplace(key.scalar, *text);
    }
    return labels;
}

Mode read_mode(const YamlNode& node, const Phrase& what, Diagnostics& found) {
    const auto chosen = read_choice(node, what, {"steer", "observe", "off"}, found);
    return static_cast<Mode>(chosen.value_or(0));
}

}  // namespace weir

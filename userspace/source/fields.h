// SPDX-License-Identifier: Apache-2.0
// Kinds of values that several of weir's files have: names, addresses, cgroup patterns, labels,
// modes. Each complains at the node's place and gives nothing when the value does not fit.
#pragma once

#include <optional>
#include <string>

#include "userspace/model/snapshot.h"
#include "userspace/source/binder.h"

namespace weir {

// `service "orders.shop"`
Phrase quoted(std::string_view kind, std::string_view name);

// Lower-case words of letters, digits and dashes, joined by dots, as in Kubernetes.
bool is_name(const std::string& name);
bool check_name(const YamlNode& key, std::string_view kind, Diagnostics& found);
// The same, of a value: zones, service accounts, the names of ports.
std::optional<std::string> read_name(const YamlNode& node, const Phrase& what, Diagnostics& found);

// A unicast address.
std::optional<Addr> read_addr(const YamlNode& node, const Phrase& what, Diagnostics& found);

// "shop.slice/front*" -> "/shop.slice/front*"
std::optional<std::string> read_cgroup_pattern(const YamlNode& node, const Phrase& what,
                                               Diagnostics& found);

// A mapping from keys to short texts, as in Kubernetes; null or {} are none.
Labels read_labels(const YamlNode& node, const Phrase& what, Diagnostics& found);

Mode read_mode(const YamlNode& node, const Phrase& what, Diagnostics& found);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// What an operator has switched off, and whom ejected, and for how much longer: from the tables,
// with or without an agent.
#pragma once

#include <string>
#include <vector>

#include "userspace/observe/views/names.h"

namespace weir {

struct SwitchView {
    std::string service;  // "orders.shop"; empty: the whole node
    double secondsLeft = 0;
    std::string what = "steering";  // or "outlierDetection", or "endpoint"
    std::string endpoint{};         // "10.0.0.2:8080", ejected by hand
};

// The node first, then services by name, then endpoints. Those that have ended are out.
Result<std::vector<SwitchView>> switch_views(const Tables& tables, const Names& names,
                                             std::uint64_t now_ns);

// "this node", "orders.shop", "outlier detection of this node", "endpoint … of orders.shop".
std::string switch_str(const SwitchView& view);
// The command that ends it.
std::string switch_end_str(const SwitchView& view);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// What an operator has switched off, and for how much longer: from the tables, with or without an
// agent.
#pragma once

#include <string>
#include <vector>

#include "userspace/observe/views/names.h"

namespace weir {

struct SwitchView {
    std::string service;  // "orders.shop"; empty: the whole node
    double secondsLeft = 0;
};

// The node first, then services by name. Those that have ended are out.
std::vector<SwitchView> switch_views(const Tables& tables, const Names& names,
                                     std::uint64_t now_ns);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// The part of plan() that builds one service port: which rows its endpoints get, what its slots
// and settings are, and whether anything changed. Used by plan.cpp only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "maps/result.h"
#include "userspace/model/plan.h"

namespace weir {

// Operations of one batch by their place in the order; joined by plan().
struct Stages {
    std::vector<Operation> early, rows, publishes, inserts, moves, deletes, unpublishes;
};

// Brings one service port to the desired endpoints, slots and settings. An error means no room:
// `live` is as it was.
Status plan_port(LiveState& live, std::uint32_t id, const DesiredPort& desired,
                 std::uint64_t generation, Stages& stages, Plan& plan);

}  // namespace weir

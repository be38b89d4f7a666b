// SPDX-License-Identifier: Apache-2.0
// From what is in the kernel to what is wanted: the operations, in the only right order.
//   0 where the address table is full: addresses of a service that go, for those that come
//   1 patterns, endpoint rows, slots, settings: beside what is published, invisible
//   2 publish
//   3 new addresses; then addresses that change their service, each with a grace period
//   4 addresses and patterns that go, and one grace period
//   5 unpublish service ports that no address leads to
// Pure, apart from moving `live` on to the state that the operations lead to: when one of them
// fails, read the live state from the kernel again.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "userspace/model/live.h"
#include "userspace/model/operation.h"

namespace weir {

// A service port or workload that stayed as it was since a table has no room for the new one.
struct Refusal {
    std::string subject;
    std::string reason;
};

struct Plan {
    std::vector<Operation> operations;
    std::vector<Refusal> refusals;
    bool patterns_changed = false;
    // Slot extents that are free once all operations are done (their grace period included).
    std::vector<std::pair<std::uint32_t, std::uint32_t>> slots_to_free;
};

// After a restart: gives what is in the kernel the names that it had in the mesh before, so that
// its counts stay with its name whatever changed meanwhile.
void recall_names(LiveState& live, const DesiredState& before);

// `desired`: all, or what changed since a plan that refused nothing. `generation`: of the mesh,
// written into what is published.
Plan plan(LiveState& live, const DesiredState& desired, std::uint64_t generation);

}  // namespace weir

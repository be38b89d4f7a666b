// SPDX-License-Identifier: Apache-2.0
// Weighted endpoints to the slots that the kernel picks from: an alias table for random choice,
// a smooth schedule for round-robin, cells to compare for least connections, rendezvous cells or a
// table of owners (hash_table.h) for consistent hashing. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "maps/abi/service.h"
#include "userspace/model/snapshot.h"

namespace weir {

struct WeightedIndex {
    std::uint16_t index = 0;   // in the service port's endpoint range
    std::uint32_t weight = 1;  // > 0
    bool v4 = true;
    std::uint64_t seed = 0;     // core/consistent_hash.h: the same on every node
    std::uint32_t subsets = 0;  // bit n: it is in the n-th
    bool near = false;          // in the zone of this node, which its service prefers
};

// Of sockets of each reach, from WEIR_REACH_V4 on; offsets are relative to the published one.
using SlotSets = std::array<weir_slot_set, 3>;

// What is published for one service port.
struct SlotPlan {
    std::vector<std::uint64_t> words;  // all endpoints, then one family's where they differ …
    std::uint16_t algorithm = WEIR_ALGORITHM_RANDOM;
    weir_slot_set both{}, v4{}, v6{};
    weir_slot_set subsets{};  // … and what subset_records.h adds
};

// Alias cells, one per entry, exact to 2^-32 (Vose, IEEE TSE 17(9), 1991).
std::vector<std::uint64_t> alias_cells(const std::vector<WeightedIndex>& entries);

// Indices in turn: the k-th of an entry's t turns is due at (k + 1/2) / t of the round, so that
// turns are spread evenly. Weights are reduced by their common divisor; a schedule longer than
// max(1024, 128 n), or than 65,536, is rounded by largest remainder.
std::vector<std::uint16_t> round_robin_turns(const std::vector<WeightedIndex>& entries);

// The indices that a set of published slots leads to; some more than once.
std::vector<std::uint32_t> indices_in(const weir_svc_settings& settings, weir_slot_set set,
                                      const std::vector<std::uint64_t>& words);

// Slots for these entries, put behind the plan's words.
SlotSets add_sets(SlotPlan& plan, const std::vector<WeightedIndex>& entries);

SlotPlan plan_slots(Algorithm algorithm, const std::vector<WeightedIndex>& entries);

}  // namespace weir

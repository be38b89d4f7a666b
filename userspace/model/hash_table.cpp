// SPDX-License-Identifier: Apache-2.0
#include "userspace/model/hash_table.h"

#include <algorithm>

#include "bpf/core/consistent_hash.h"

namespace weir {
namespace {

// With equal weights the least cost is the highest hash, but for what its logarithm rounds away:
// of hashes that cost the same, the first one's owner wins.
std::uint16_t owner_of(std::uint64_t key, const std::vector<WeightedIndex>& entries, bool equal) {
    std::uint32_t best_cost = WEIR_NO_BID_COST, best_weight = WEIR_NO_BID_WEIGHT, best_hash = 0;
    std::uint16_t best = 0;
    for (const auto& entry : entries) {
        const auto hash = weir_rendezvous_hash(key, entry.seed);
        if (equal && hash <= best_hash && best_cost != WEIR_NO_BID_COST)
            continue;
        const auto cost = weir_rendezvous_cost_of(hash);
        if (weir_rendezvous_wins(cost, entry.weight, best_cost, best_weight) == 0)
            continue;
        best_cost = cost;
        best_weight = entry.weight;
        best_hash = hash;
        best = entry.index;
    }
    return best;
}

}  // namespace

std::vector<WeightedIndex> in_hash_order(std::vector<WeightedIndex> entries) {
    std::sort(entries.begin(), entries.end(), [](const WeightedIndex& a, const WeightedIndex& b) {
        return a.seed != b.seed ? a.seed < b.seed : a.index < b.index;
    });
    return entries;
}

std::vector<std::uint16_t> hash_table(const std::vector<WeightedIndex>& entries) {
    const bool equal = std::all_of(entries.begin(), entries.end(), [&](const WeightedIndex& entry) {
        return entry.weight == entries.front().weight;
    });
    std::vector<std::uint16_t> owners(WEIR_HASH_SLOTS);
    for (std::uint32_t slot = 0; slot < WEIR_HASH_SLOTS; slot++)
        owners[slot] = owner_of(weir_hash_slot_key(slot), entries, equal);
    return owners;
}

}  // namespace weir

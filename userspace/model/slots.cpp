// SPDX-License-Identifier: Apache-2.0
#include "userspace/model/slots.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "bpf/core/pick.h"
#include "userspace/model/hash_table.h"

namespace weir {
namespace {

constexpr std::uint64_t kWhole = std::uint64_t{1} << 32;

std::vector<std::uint64_t> pack(const std::vector<std::uint16_t>& turns) {
    std::vector<std::uint64_t> words((turns.size() + WEIR_SLOTS_PER_WORD - 1) /
                                     WEIR_SLOTS_PER_WORD);
    for (std::size_t i = 0; i < turns.size(); i++)
        words[i / WEIR_SLOTS_PER_WORD] |= std::uint64_t{turns[i]} << (i % WEIR_SLOTS_PER_WORD * 16);
    return words;
}

constexpr std::uint64_t kShortSchedule = 1024, kLongestSchedule = 65536;

// Turns per entry: the weights themselves where the schedule stays short, else rounded by largest
// remainder. Everybody gets a turn as long as that costs the others less than a point together.
std::vector<std::uint64_t> turns_per_entry(const std::vector<WeightedIndex>& entries) {
    std::uint64_t divisor = 0, sum = 0;
    for (const auto& entry : entries)
        divisor = std::gcd(divisor, std::uint64_t{entry.weight});
    std::vector<std::uint64_t> turns;
    for (const auto& entry : entries) {
        turns.push_back(entry.weight / divisor);
        sum += turns.back();
    }
    const std::uint64_t limit = std::min<std::uint64_t>(
        kLongestSchedule, std::max<std::uint64_t>(kShortSchedule, 128 * entries.size()));
    if (sum <= limit)
        return turns;
    const std::uint64_t least = entries.size() * 100 <= limit ? 1 : 0;
    const std::uint64_t spare = limit - least * entries.size();
    std::vector<std::pair<std::uint64_t, std::size_t>> remainders;
    std::uint64_t given = 0;
    for (std::size_t i = 0; i < turns.size(); i++) {
        const auto share = static_cast<unsigned __int128>(turns[i]) * spare;
        remainders.emplace_back(static_cast<std::uint64_t>(share % sum), i);
        turns[i] = least + static_cast<std::uint64_t>(share / sum);
        given += turns[i];
    }
    std::sort(remainders.rbegin(), remainders.rend());
    for (std::size_t i = 0; given < limit && i < remainders.size(); i++, given++)
        turns[remainders[i].second]++;
    return turns;
}

std::vector<std::uint64_t> cells_to_compare(const std::vector<WeightedIndex>& entries,
                                            bool with_seeds) {
    std::vector<std::uint64_t> words;
    for (const auto& entry : entries) {
        words.push_back(weir_weighted_cell(entry.weight, entry.index));
        if (with_seeds)
            words.push_back(entry.seed);
    }
    return words;
}

struct Slots {
    std::vector<std::uint64_t> words;
    std::uint32_t count = 0;
};

Slots packed(const std::vector<std::uint16_t>& indices) {
    return {pack(indices), static_cast<std::uint32_t>(indices.size())};
}

Slots slots_of(std::uint16_t algorithm, const std::vector<WeightedIndex>& entries) {
    if (entries.empty())
        return {};
    const auto count = static_cast<std::uint32_t>(entries.size());
    switch (algorithm) {
        case WEIR_ALGORITHM_ROUND_ROBIN: return packed(round_robin_turns(entries));
        case WEIR_ALGORITHM_HASH_TABLE: return packed(hash_table(in_hash_order(entries)));
        case WEIR_ALGORITHM_LEAST_CONNECTIONS:
        case WEIR_ALGORITHM_LEAST_LATENCY: return {cells_to_compare(entries, false), count};
        case WEIR_ALGORITHM_RENDEZVOUS:
            return {cells_to_compare(in_hash_order(entries), true), count};
        default: return {alias_cells(entries), count};
    }
}

std::uint16_t algorithm_of(Algorithm algorithm, std::size_t endpoints) {
    switch (algorithm) {
        case Algorithm::kRandom: return WEIR_ALGORITHM_RANDOM;
        case Algorithm::kRoundRobin: return WEIR_ALGORITHM_ROUND_ROBIN;
        case Algorithm::kLeastConnections: return WEIR_ALGORITHM_LEAST_CONNECTIONS;
        case Algorithm::kLeastLatency: return WEIR_ALGORITHM_LEAST_LATENCY;
        case Algorithm::kConsistentHash: break;
    }
    return endpoints > WEIR_SCAN_MAX ? WEIR_ALGORITHM_HASH_TABLE : WEIR_ALGORITHM_RENDEZVOUS;
}

}  // namespace

std::vector<std::uint64_t> alias_cells(const std::vector<WeightedIndex>& entries) {
    const std::size_t n = entries.size();
    unsigned __int128 sum = 0;
    for (const auto& entry : entries)
        sum += entry.weight;
    // Each entry's share of n cells, in 2^-32 of a cell; the last one takes what rounding left.
    std::vector<std::uint64_t> share(n);
    std::uint64_t given = 0;
    for (std::size_t i = 0; i < n; i++) {
        share[i] = static_cast<std::uint64_t>(static_cast<unsigned __int128>(entries[i].weight) *
                                              n * kWhole / sum);
        given += share[i];
    }
    share[static_cast<std::size_t>(std::max_element(share.begin(), share.end()) - share.begin())] +=
        n * kWhole - given;
    std::vector<std::size_t> small, large, alias(n);
    for (std::size_t i = 0; i < n; i++) {
        alias[i] = i;
        (share[i] < kWhole ? small : large).push_back(i);
    }
    while (!small.empty() && !large.empty()) {
        const std::size_t low = small.back(), high = large.back();
        small.pop_back();
        large.pop_back();
        alias[low] = high;
        share[high] -= kWhole - share[low];
        (share[high] < kWhole ? small : large).push_back(high);
    }
    std::vector<std::uint64_t> cells(n);
    for (std::size_t i = 0; i < n; i++) {
        const auto threshold = std::min(share[i], kWhole - 1);
        cells[i] = weir_alias_cell(static_cast<std::uint32_t>(threshold), entries[i].index,
                                   entries[alias[i]].index);
    }
    return cells;
}

std::vector<std::uint16_t> round_robin_turns(const std::vector<WeightedIndex>& entries) {
    const auto turns = turns_per_entry(entries);
    struct Turn {
        double when;  // between 0 and 1
        std::size_t entry;
    };
    std::vector<Turn> order;
    for (std::size_t i = 0; i < entries.size(); i++)
        for (std::uint64_t k = 0; k < turns[i]; k++)
            order.push_back({(static_cast<double>(k) + 0.5) / static_cast<double>(turns[i]), i});
    std::stable_sort(order.begin(), order.end(),
                     [](const Turn& a, const Turn& b) { return a.when < b.when; });
    std::vector<std::uint16_t> schedule;
    schedule.reserve(order.size());
    for (const auto& turn : order)
        schedule.push_back(entries[turn.entry].index);
    return schedule;
}

std::vector<std::uint32_t> indices_in(const weir_svc_settings& settings, weir_slot_set set,
                                      const std::vector<std::uint64_t>& words) {
    std::vector<std::uint32_t> indices;
    for (std::uint32_t slot = 0; slot < std::min<std::uint32_t>(set.count, WEIR_INDEX_MAX);
         slot++) {
        const auto word = [&](std::uint64_t n) {
            const auto at = set.offset + n;
            return at < words.size() ? words[at] : 0;  // rows that others changed
        };
        if (weir_is_packed(settings.algorithm)) {
            indices.push_back(weir_packed_index(word(weir_packed_word(slot)), slot));
        } else if (settings.algorithm == WEIR_ALGORITHM_RANDOM) {
            indices.push_back(weir_alias_pick(word(slot), 0));
            indices.push_back(weir_alias_pick(word(slot), ~0U));
        } else {
            indices.push_back(weir_cell_index(word(weir_slot_words(settings.algorithm, slot))));
        }
    }
    return indices;
}

SlotSets add_sets(SlotPlan& plan, const std::vector<WeightedIndex>& entries) {
    const auto add = [&](const std::vector<WeightedIndex>& some) {
        const auto slots = slots_of(plan.algorithm, some);
        const auto offset = slots.count == 0 ? 0 : static_cast<__u32>(plan.words.size());
        plan.words.insert(plan.words.end(), slots.words.begin(), slots.words.end());
        return weir_slot_set{offset, slots.count};
    };
    const weir_slot_set both = add(entries);
    const auto of_family = [&](bool v4) {
        std::vector<WeightedIndex> family;
        std::copy_if(entries.begin(), entries.end(), std::back_inserter(family),
                     [v4](const WeightedIndex& entry) { return entry.v4 == v4; });
        return family.size() == entries.size() ? both : add(family);
    };
    const auto v4 = of_family(true), v6 = of_family(false);
    return {v4, v6, both};
}

SlotPlan plan_slots(Algorithm algorithm, const std::vector<WeightedIndex>& entries) {
    SlotPlan plan;
    plan.algorithm = algorithm_of(algorithm, entries.size());
    std::tie(plan.v4, plan.v6, plan.both) = std::tuple_cat(add_sets(plan, entries));
    return plan;
}

}  // namespace weir

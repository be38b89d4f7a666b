// SPDX-License-Identifier: Apache-2.0
// Consistent hashing over its whole range: shares follow weights, and an endpoint that goes moves
// its own keys and few others. The kernel picks by the same functions of bpf/core.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "bpf/core/consistent_hash.h"
#include "bpf/core/pick.h"
#include "bpf/core/published.h"
#include "userspace/model/hash_table.h"

namespace weir {
namespace {

std::vector<WeightedIndex> endpoints(std::size_t count, std::uint32_t (*weight)(std::size_t)) {
    std::vector<WeightedIndex> entries;
    for (std::size_t i = 0; i < count; i++) {
        const auto addr =
            Addr::parse("10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1))
                ->raw();
        entries.push_back({static_cast<std::uint16_t>(i), weight(i), true,
                           weir_endpoint_seed(&addr, htons(8080))});
    }
    return entries;
}

// As pick.bpf.h.
std::uint32_t pick(const SlotPlan& plan, std::uint64_t client) {
    const auto slot = weir_hash_slot(client);
    if (plan.algorithm == WEIR_ALGORITHM_HASH_TABLE)
        return weir_packed_index(plan.words.at(weir_packed_word(slot)), slot);
    const auto key = weir_hash_slot_key(slot);
    std::uint32_t best = 0, best_cost = WEIR_NO_BID_COST, best_weight = WEIR_NO_BID_WEIGHT;
    for (std::uint32_t i = 0; i < plan.both.count; i++) {
        const auto cell = plan.words.at(2 * i), seed = plan.words.at(2 * i + 1);
        const auto cost = weir_rendezvous_cost(key, seed), weight = weir_cell_weight(cell);
        if (!weir_rendezvous_wins(cost, weight, best_cost, best_weight))
            continue;
        best_cost = cost;
        best_weight = weight;
        best = weir_cell_index(cell);
    }
    return best;
}

constexpr std::uint64_t kKeys = 20'000;

std::vector<std::uint32_t> picks(const std::vector<WeightedIndex>& entries) {
    const auto plan = plan_slots(Algorithm::kConsistentHash, entries);
    std::vector<std::uint32_t> made;
    for (std::uint64_t key = 1; key <= kKeys; key++)
        made.push_back(pick(plan, weir_mix64(key)));
    return made;
}

const auto kOne = [](std::size_t) -> std::uint32_t { return 1; };
const auto kUneven = [](std::size_t i) -> std::uint32_t {
    return static_cast<std::uint32_t>(1 + i % 5 * 3);
};

class ConsistentHash : public testing::TestWithParam<std::size_t> {};

TEST_P(ConsistentHash, SharesFollowWeights) {
    for (const auto weight : {+kOne, +kUneven}) {
        const auto entries = endpoints(GetParam(), weight);
        double sum = 0;
        for (const auto& entry : entries)
            sum += entry.weight;
        std::map<std::uint32_t, double> counts;
        for (const auto index : picks(entries))
            counts[index]++;
        for (const auto& entry : entries) {
            const double share = entry.weight / sum;
            const double sigma = std::sqrt(kKeys * share * (1 - share));
            // Which slots an endpoint owns is drawn as well.
            const double drawn = kKeys * std::sqrt(share / WEIR_HASH_SLOTS);
            EXPECT_NEAR(counts[entry.index], kKeys * share, 4.5 * std::hypot(sigma, drawn))
                << GetParam() << " endpoints, " << entry.index;
        }
    }
}

TEST_P(ConsistentHash, AnEndpointThatGoesMovesItsOwnKeysOnly) {
    for (const auto weight : {+kOne, +kUneven}) {
        const auto entries = endpoints(GetParam(), weight);
        const auto before = picks(entries);
        double sum = 0;
        for (const auto& entry : entries)
            sum += entry.weight;
        for (const std::size_t gone : {std::size_t{0}, entries.size() / 2, entries.size() - 1}) {
            auto left = entries;
            left.erase(left.begin() + static_cast<std::ptrdiff_t>(gone));
            const auto after = picks(left);
            std::uint64_t own = 0, others = 0;
            for (std::size_t i = 0; i < before.size(); i++)
                if (before[i] != after[i])
                    (before[i] == entries[gone].index ? own : others)++;
            EXPECT_EQ(others, 0U) << GetParam() << " endpoints, without " << gone;
            EXPECT_GT(own, 0U);
        }
    }
}

TEST_P(ConsistentHash, DoesNotDependOnRowsOrOrder) {
    const auto entries = endpoints(GetParam(), +kUneven);
    auto other = entries;
    std::map<std::uint32_t, std::uint32_t> row;  // of the other node -> of this one
    for (std::size_t i = 0; i < other.size(); i++) {
        const auto index = static_cast<std::uint16_t>(other.size() - 1 - i);
        row[index] = other[i].index;
        other[i].index = index;
    }
    std::sort(other.begin(), other.end(),
              [](const WeightedIndex& a, const WeightedIndex& b) { return a.index < b.index; });
    const auto here = picks(entries), there = picks(other);
    for (std::size_t i = 0; i < here.size(); i++)
        ASSERT_EQ(here[i], row.at(there[i]));
}

INSTANTIATE_TEST_SUITE_P(Sizes, ConsistentHash, testing::Values(2, 3, 10, 32, 33, 34, 100, 400));

TEST(PlanSlots, ComparesAllUpToTheLimit) {
    const auto algorithm = [](std::size_t count) {
        return plan_slots(Algorithm::kConsistentHash, endpoints(count, +kOne)).algorithm;
    };
    EXPECT_EQ(algorithm(WEIR_SCAN_MAX), WEIR_ALGORITHM_RENDEZVOUS);
    EXPECT_EQ(algorithm(WEIR_SCAN_MAX + 1), WEIR_ALGORITHM_HASH_TABLE);
}

TEST(PlanSlots, EveryEndpointIsFoundAgain) {
    for (const auto algorithm : {Algorithm::kRandom, Algorithm::kRoundRobin,
                                 Algorithm::kLeastConnections, Algorithm::kConsistentHash})
        for (const std::size_t count : {1, 5, 40}) {
            const auto plan = plan_slots(algorithm, endpoints(count, +kUneven));
            weir_svc_settings settings{};
            settings.algorithm = plan.algorithm;
            settings.both = plan.both;
            auto found = indices_in(settings, plan.both, plan.words);
            std::sort(found.begin(), found.end());
            found.erase(std::unique(found.begin(), found.end()), found.end());
            EXPECT_EQ(found.size(), count) << algorithm_name(algorithm);
        }
}

}  // namespace
}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "bpf/core/pick.h"
#include "userspace/model/slots.h"

namespace weir {
namespace {

// The exact share of each index in an alias table.
std::map<unsigned, double> alias_shares(const std::vector<std::uint64_t>& cells) {
    std::map<unsigned, double> shares;
    for (const auto cell : cells) {
        const double below = static_cast<double>(static_cast<std::uint32_t>(cell)) / 4294967295.0;
        shares[weir_alias_pick(cell, 0)] += below / static_cast<double>(cells.size());
        shares[weir_alias_pick(cell, ~0U)] += (1 - below) / static_cast<double>(cells.size());
    }
    return shares;
}

TEST(AliasCells, AreExactForAnyWeights) {
    std::mt19937 random(7);
    for (int round = 0; round < 200; round++) {
        std::vector<WeightedIndex> entries;
        double sum = 0;
        for (std::uint16_t i = 0; i < 1 + random() % 50; i++) {
            entries.push_back({static_cast<std::uint16_t>(i * 3),
                               1 + static_cast<std::uint32_t>(random() % 1000000), true});
            sum += entries.back().weight;
        }
        const auto shares = alias_shares(alias_cells(entries));
        for (const auto& entry : entries) {
            const auto found = shares.find(entry.index);
            ASSERT_NE(found, shares.end());
            ASSERT_NEAR(found->second, entry.weight / sum, 1e-7);
        }
    }
}

TEST(AliasCells, OneEndpointIsAlwaysTaken) {
    const auto cells = alias_cells({{5, 1, true}});
    ASSERT_EQ(cells.size(), 1U);
    EXPECT_EQ(weir_alias_pick(cells[0], 0), 5U);
    EXPECT_EQ(weir_alias_pick(cells[0], ~0U), 5U);
}

TEST(RoundRobin, IsSmoothAndExact) {
    const auto turns = round_robin_turns({{0, 5, true}, {1, 1, true}, {2, 1, true}});
    ASSERT_EQ(turns.size(), 7U);
    EXPECT_EQ(std::count(turns.begin(), turns.end(), 0), 5);
    for (std::size_t i = 0; i + 2 < turns.size();
         i++)  // never three of the heavy one in a row at the light ones' cost
        EXPECT_FALSE(turns[i] == 1 && turns[i + 1] == 1);
    EXPECT_EQ(round_robin_turns({{0, 90, true}, {1, 10, true}}).size(), 10U);
}

TEST(RoundRobin, RoundsLongSchedulesWithinAPoint) {
    const std::vector<WeightedIndex> entries{{0, 999983, true}, {1, 499979, true}, {2, 1, true}};
    const auto turns = round_robin_turns(entries);
    EXPECT_LE(turns.size(), 1024U);
    const auto share = [&](std::uint16_t index) {
        return static_cast<double>(std::count(turns.begin(), turns.end(), index)) /
               static_cast<double>(turns.size());
    };
    EXPECT_NEAR(share(0), 2.0 / 3, 0.005);
    EXPECT_NEAR(share(1), 1.0 / 3, 0.005);
    EXPECT_GE(std::count(turns.begin(), turns.end(), 2), 1);
}

// The worst error of a share, in parts of one, against the weights.
double worst_error(const std::vector<WeightedIndex>& entries) {
    const auto turns = round_robin_turns(entries);
    EXPECT_LE(turns.size(), 65536U);
    std::map<std::uint16_t, double> share;
    for (const auto turn : turns)
        share[turn] += 1.0 / static_cast<double>(turns.size());
    double sum = 0, worst = 0;
    for (const auto& entry : entries)
        sum += entry.weight;
    for (const auto& entry : entries)
        worst = std::max(worst, std::fabs(share[entry.index] - entry.weight / sum));
    return worst;
}

TEST(RoundRobin, KeepsAHeavyEndpointsShareBesideManyLightOnes) {
    for (const std::uint16_t light : {99, 5000}) {
        std::vector<WeightedIndex> entries{{0, 100000000, true}};
        for (std::uint16_t i = 1; i <= light; i++)
            entries.push_back({i, 1, true});
        EXPECT_LE(worst_error(entries), 0.01);
    }
}

TEST(RoundRobin, StaysInItsSlotsForThousandsOfEndpoints) {
    std::mt19937 random(11);
    std::vector<WeightedIndex> entries;
    for (std::uint16_t i = 0; i < 9000; i++)
        entries.push_back({i, 1 + static_cast<std::uint32_t>(random() % 1000), true});
    EXPECT_LE(worst_error(entries), 0.0001);
}

TEST(PlanSlots, SharesWordsWhereFamiliesAreOne) {
    const auto plan = plan_slots(Algorithm::kRandom, {{0, 1, true}, {1, 1, true}});
    EXPECT_EQ(plan.words.size(), 2U);
    EXPECT_EQ(plan.both.count, 2U);
    EXPECT_EQ(plan.v4.offset, 0U);
    EXPECT_EQ(plan.v4.count, 2U);
    EXPECT_EQ(plan.v6.count, 0U);
}

TEST(PlanSlots, HasASetForEachFamily) {
    for (const auto algorithm : {Algorithm::kRandom, Algorithm::kRoundRobin}) {
        const auto plan = plan_slots(algorithm, {{0, 1, true}, {1, 1, false}, {2, 2, true}});
        EXPECT_EQ(plan.v6.count, 1U);
        const auto word = plan.words.at(plan.v6.offset);
        EXPECT_EQ(
            algorithm == Algorithm::kRandom ? weir_alias_pick(word, 0) : weir_packed_index(word, 0),
            1U);
        EXPECT_GE(plan.v4.count, 2U);
    }
}

TEST(PlanSlots, NothingIsNothing) {
    const auto plan = plan_slots(Algorithm::kRoundRobin, {});
    EXPECT_TRUE(plan.words.empty());
    EXPECT_EQ(plan.both.count + plan.v4.count + plan.v6.count, 0U);
}

}  // namespace
}  // namespace weir

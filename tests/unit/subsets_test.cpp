// SPDX-License-Identifier: Apache-2.0
// Subsets and zones: who is in which, what is published of it, and that turns and workloads spread
// as their weights say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

#include "bpf/core/addr.h"
#include "bpf/core/subset.h"
#include "userspace/model/subset_records.h"
#include "userspace/model/subsets.h"
#include "userspace/observe/views/shares.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

const std::vector<Subset> kSubsets{{"v1", {{"version", "v1"}}, 90},
                                   {"v1-eu", {{"version", "v1"}, {"region", "eu"}}, 10},
                                   {"v2", {{"version", "v2"}}, 0}};

Endpoint endpoint(const Labels& labels, const std::string& zone = "", std::uint32_t weight = 1) {
    return {*Addr::parse("10.0.0.1"), weight, zone, labels};
}

TEST(Subsets, AnEndpointIsInThoseWhoseLabelsItHas) {
    EXPECT_EQ(subsets_of(endpoint({{"version", "v1"}, {"app", "x"}}), kSubsets), 0b001U);
    EXPECT_EQ(subsets_of(endpoint({{"version", "v1"}, {"region", "eu"}}), kSubsets), 0b011U);
    EXPECT_EQ(subsets_of(endpoint({{"version", "v2"}}), kSubsets), 0b100U);
    EXPECT_EQ(subsets_of(endpoint({}), kSubsets), 0U);
    EXPECT_TRUE(takes_connections(endpoint({{"version", "v1"}}), kSubsets));
    EXPECT_FALSE(takes_connections(endpoint({{"version", "v1"}}, "", 0), kSubsets));
    EXPECT_FALSE(takes_connections(endpoint({{"version", "v2"}}), kSubsets));  // of weight 0
    EXPECT_FALSE(takes_connections(endpoint({}), kSubsets));
    EXPECT_TRUE(takes_connections(endpoint({}), {}));
}

TEST(Subsets, ZonesAreToldApartWhereThatMakesADifference) {
    Service service;
    service.endpoints = {endpoint({}, "a"), endpoint({}, "b"), endpoint({})};
    EXPECT_FALSE(tells_zones_apart(service, "a"));  // not asked for
    service.prefers_zone = true;
    EXPECT_TRUE(tells_zones_apart(service, "a"));
    EXPECT_FALSE(tells_zones_apart(service, ""));
    EXPECT_FALSE(tells_zones_apart(service, "c"));
    service.endpoints = {endpoint({}, "a"), endpoint({}, "a")};
    EXPECT_FALSE(tells_zones_apart(service, "a"));
}

// Whatever the weights: after any number of turns each subset has its share, to a few.
TEST(Subsets, TurnsAreSpreadEvenly) {
    std::mt19937 random(3);
    for (int round = 0; round < 50; round++) {
        const std::uint32_t first = 1 + random() % 1'000'000, second = 1 + random() % 1'000'000;
        const double share = static_cast<double>(first) / (first + second);
        const std::uint64_t start = random();
        int met = 0;
        for (std::uint64_t turn = 0; turn < 10'000; turn++) {
            met += weir_point_among(weir_even_turn(start + turn), first + second) < first ? 1 : 0;
            ASSERT_LE(std::abs(met - share * static_cast<double>(turn + 1)), 6) << first << second;
        }
    }
}

std::vector<SubsetView> two(std::uint32_t first, std::uint32_t second) {
    return {{first, name_hash("v1"), {}, {"a"}}, {second, name_hash("v2"), {}, {"b"}}};
}

TEST(Subsets, AWeightThatGrowsMovesWorkloadsToItsSubsetOnly) {
    int in_first = 0, moved = 0;
    for (int n = 0; n < 4000; n++) {
        const auto name = "workload" + std::to_string(n) + ".shop";
        const auto before = subset_of_caller(two(50, 50), name);
        const auto after = subset_of_caller(two(50, 150), name);
        in_first += before == 0U ? 1 : 0;
        if (before != after) {
            EXPECT_EQ(after, 1U) << name;
            moved++;
        }
    }
    EXPECT_NEAR(in_first, 2000, 160);
    EXPECT_NEAR(moved, 1000, 140);
}

TEST(Subsets, WorkloadsHaveTheSameOnEveryNodeForEver) {
    EXPECT_EQ(name_hash("v1"), 1669639733781746448U);
    EXPECT_EQ(cohort_of("frontend.shop"), 22261U);
}

// What is published leads to the very endpoints, for every algorithm and family.
TEST(SubsetRecords, LeadToTheEndpoints) {
    for (const auto algorithm :
         {Algorithm::kRandom, Algorithm::kRoundRobin, Algorithm::kLeastConnections,
          Algorithm::kLeastLatency, Algorithm::kConsistentHash}) {
        const std::vector<WeightedIndex> entries{{0, 5, true, 11, 0b01, true},
                                                 {1, 1, true, 12, 0b01, false},
                                                 {2, 1, false, 13, 0b10, false},
                                                 {3, 2, true, 14, 0b11, true}};
        auto plan = plan_slots(algorithm, entries);
        const auto before = plan.words;
        add_subsets({{"v1", 90}, {"v2", 10}}, entries, plan);
        EXPECT_TRUE(std::equal(before.begin(), before.end(), plan.words.begin()));
        weir_svc_settings settings{};
        settings.algorithm = plan.algorithm;
        settings.subsets = plan.subsets;
        const auto set = [](const std::vector<std::uint32_t>& indices) {
            return std::set<std::uint32_t>(indices.begin(), indices.end());
        };
        auto found = subsets_in(settings, WEIR_REACH_BOTH, plan.words);
        ASSERT_EQ(found.size(), 2U);
        EXPECT_EQ(found[0].weight, 90U);
        EXPECT_EQ(found[1].seed, name_hash("v2"));
        EXPECT_THAT(set(found[0].whole), ElementsAre(0, 1, 3));
        EXPECT_THAT(set(found[0].near), ElementsAre(0, 3));
        EXPECT_THAT(set(found[1].whole), ElementsAre(2, 3));
        EXPECT_THAT(set(found[1].near), ElementsAre(3));
        found = subsets_in(settings, WEIR_REACH_V6, plan.words);
        EXPECT_TRUE(found[0].whole.empty());
        EXPECT_THAT(set(found[1].whole), ElementsAre(2));
        EXPECT_TRUE(found[1].near.empty());
        found = subsets_in(settings, WEIR_REACH_V4, plan.words);
        EXPECT_THAT(set(found[1].whole), ElementsAre(3));
    }
}

TEST(SubsetRecords, ThatLeadNowhereAreLeftOut) {
    weir_svc_settings settings{};
    settings.subsets = {4, 3};
    EXPECT_TRUE(subsets_in(settings, WEIR_REACH_V4, std::vector<std::uint64_t>(11)).empty());
    EXPECT_EQ(subsets_in(settings, WEIR_REACH_V4, std::vector<std::uint64_t>(12)).size(), 1U);
    std::vector<std::uint64_t> words(12, ~std::uint64_t{0});
    EXPECT_TRUE(subsets_in(settings, WEIR_REACH_V4, words)[0].whole.empty());
    // Sets of a row that others changed, too.
    for (const auto algorithm : {WEIR_ALGORITHM_RANDOM, WEIR_ALGORITHM_ROUND_ROBIN,
                                 WEIR_ALGORITHM_LEAST_CONNECTIONS, WEIR_ALGORITHM_RENDEZVOUS}) {
        settings.algorithm = static_cast<__u16>(algorithm);
        EXPECT_FALSE(indices_in(settings, {~0U, ~0U}, words).empty());
    }
}

TEST(Shares, AreOfSubsetsThenOfEndpoints) {
    const std::vector<ShareCandidate> all{{"a", 1, true}, {"b", 3, true}, {"c", 1, true}};
    EXPECT_THAT(shares_of(all, {}), ElementsAre(0.2, 0.6, 0.2));
    EXPECT_THAT(
        shares_of({{"a", 1, true, {}, 1.0}, {"b", 2, true, {}, 0.5}, {"c", 2, false, {}, 1.0}}, {}),
        ElementsAre(0.5, 0.5, 0));
    const std::vector<SubsetView> subsets{{80, 1, {}, {"a", "b"}}, {20, 2, {}, {"c"}}};
    EXPECT_THAT(shares_of(all, subsets),
                ElementsAre(testing::DoubleNear(0.2, 1e-9), testing::DoubleNear(0.6, 1e-9),
                            testing::DoubleNear(0.2, 1e-9)));
    EXPECT_THAT(shares_of(all, subsets, 1), ElementsAre(0, 0, 1));
    // A subset that is all out gives its part to those that are in.
    EXPECT_THAT(shares_of({{"a", 1, true}, {"b", 1, true}, {"c", 1, false}}, subsets),
                ElementsAre(0.5, 0.5, 0));
}

// Least-latency compares two that are drawn: of three the slowest never wins, the quickest twice in
// three draws.
TEST(Shares, AreOfWhoIsQuickerWhereThatIsCompared) {
    const auto loaded = [](const char* name, std::uint32_t us, std::uint32_t active,
                           std::uint32_t weight = 1) {
        return ShareCandidate{name, weight, true, weir_candidate{us, 1, active, 0}};
    };
    using testing::DoubleNear;
    EXPECT_THAT(shares_of({loaded("a", 100, 0), loaded("b", 2000, 0), loaded("c", 120, 0)}, {}),
                ElementsAre(DoubleNear(2 / 3.0, 1e-9), 0, DoubleNear(1 / 3.0, 1e-9)));
    EXPECT_THAT(shares_of({loaded("a", 100, 3), loaded("b", 100, 3)}, {}), ElementsAre(0.5, 0.5));
    EXPECT_THAT(shares_of({loaded("a", 100, 3), loaded("b", 100, 3, 2)}, {}), ElementsAre(0, 1));
    EXPECT_THAT(shares_of({loaded("a", 100, 3)}, {}), ElementsAre(1));
    // In its slow start, the quicker one gets a part of what it would win.
    auto young = loaded("b", 50, 0);
    young.grown = 0.25;
    EXPECT_THAT(shares_of({loaded("a", 100, 0), young}, {}), ElementsAre(0.75, 0.25));
}

TEST(Shares, LeaveTheZoneAsFarAsItIsOut) {
    const std::vector<SubsetView> zone{{1, 0, {"a", "b"}, {"a", "b", "c"}}};
    const auto shares = [&](bool a, bool b, bool c) {
        return shares_of({{"a", 1, a}, {"b", 1, b}, {"c", 1, c}}, zone);
    };
    EXPECT_THAT(shares(true, true, true), ElementsAre(0.5, 0.5, 0));
    EXPECT_THAT(shares(true, false, true), ElementsAre(0.875, 0, 0.125));
    EXPECT_THAT(shares(false, false, true), ElementsAre(0, 0, 1));
    EXPECT_THAT(shares(false, false, false), ElementsAre(0, 0, 0));
    // By weight, or all alike, as they are drawn.
    const std::vector<ShareCandidate> uneven{{"a", 9, false}, {"b", 1, true}, {"c", 1, true}};
    EXPECT_NEAR(shares_of(uneven, zone)[2], 0.81 / 2, 1e-9);
    auto compared = zone;
    compared[0].are_compared = true;
    EXPECT_NEAR(shares_of(uneven, compared)[2], 0.25 / 2, 1e-9);
}

}  // namespace
}  // namespace weir

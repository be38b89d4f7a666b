// SPDX-License-Identifier: Apache-2.0
// Outlier detection, the decisions (bpf/core/health.h).
#include "bpf/core/health.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Health, IsInOutOrDue) {
    EXPECT_EQ(weir_health_at(0, 0, 4), static_cast<__u32>(WEIR_HEALTH_IN));
    EXPECT_EQ(weir_health_at(10, 0, 8), static_cast<__u32>(WEIR_HEALTH_OUT));
    EXPECT_EQ(weir_health_at(10, 0, 10), static_cast<__u32>(WEIR_HEALTH_DUE));
    EXPECT_EQ(weir_health_at(1, 0, WEIR_HEALTH_NONE_DUE), static_cast<__u32>(WEIR_HEALTH_OUT));
    EXPECT_EQ(weir_health_at(~1ULL, 0, WEIR_HEALTH_ALL_DUE), static_cast<__u32>(WEIR_HEALTH_IN));
}

TEST(Health, ByHandOnlyThoseThatAreHeldAreOut) {
    const __u64 clock = weir_health_clock(0, 0, 100, 50);
    EXPECT_EQ(weir_health_at(100, 100, clock), static_cast<__u32>(WEIR_HEALTH_OUT));
    EXPECT_EQ(weir_health_at(100, 0, clock), static_cast<__u32>(WEIR_HEALTH_IN));
    EXPECT_EQ(weir_health_at(40, 40, clock), static_cast<__u32>(WEIR_HEALTH_IN));
    EXPECT_EQ(weir_health_clock_of_others(clock), clock);
}

TEST(Health, TheClockSaysWhatIsLookedAt) {
    EXPECT_EQ(weir_health_clock(0, 0, 0, 50), WEIR_HEALTH_ALL_DUE);
    EXPECT_EQ(weir_health_clock(0, 0, 48, 50), WEIR_HEALTH_ALL_DUE);  // the last hold has ended
    EXPECT_EQ(weir_health_clock(3, 0, 0, 51), 48U);                   // in steps of 4 ns
    EXPECT_EQ(weir_health_clock(3, 60, 0, 50), WEIR_HEALTH_ALL_DUE);  // off by hand
    EXPECT_EQ(weir_health_clock(3, 60, 70, 50), 49U);
    EXPECT_EQ(weir_health_clock(3, 60, 70, 60), 60U);  // not any more
    EXPECT_EQ(weir_health_clock_of_others(50), WEIR_HEALTH_NONE_DUE);
    EXPECT_EQ(weir_health_clock_of_others(WEIR_HEALTH_ALL_DUE), WEIR_HEALTH_ALL_DUE);
}

// What this node or the caller did is not the endpoint's fault.
TEST(Health, BlamesTheEndpointOnlyForItsOwn) {
    for (const __u32 its :
         {WEIR_FAILURE_REFUSED, WEIR_FAILURE_TIMEOUT, WEIR_FAILURE_UNREACHABLE, WEIR_FAILURE_RESET})
        EXPECT_TRUE(weir_blames_endpoint(its)) << its;
    for (const __u32 not_its :
         {WEIR_FAILURE_ABANDONED, WEIR_FAILURE_LOCAL, WEIR_FAILURE_NO_ENDPOINT,
          WEIR_FAILURE_NO_STORAGE, WEIR_FAILURE_OTHER})
        EXPECT_FALSE(weir_blames_endpoint(not_its)) << not_its;
}

TEST(Health, SilenceMayBeThisNodesOwnFault) {
    EXPECT_TRUE(weir_may_be_own_fault(WEIR_FAILURE_TIMEOUT));
    EXPECT_TRUE(weir_may_be_own_fault(WEIR_FAILURE_UNREACHABLE));
    EXPECT_FALSE(weir_may_be_own_fault(WEIR_FAILURE_REFUSED));
    EXPECT_FALSE(weir_may_be_own_fault(WEIR_FAILURE_RESET));
}

TEST(Health, NoMoreAreOutThanThePercentage) {
    EXPECT_TRUE(weir_may_be_out(1, 2, 50));
    EXPECT_FALSE(weir_may_be_out(2, 2, 50));
    EXPECT_FALSE(weir_may_be_out(1, 1, 99));
    EXPECT_TRUE(weir_may_be_out(1, 1, 100));
    EXPECT_FALSE(weir_may_be_out(2, 3, 66));
    EXPECT_TRUE(weir_may_be_out(2, 3, 67));
}

TEST(Health, EjectionsGrowUpToALimitWithJitter) {
    const std::uint64_t ms = 1'000'000;
    EXPECT_EQ(weir_ejection_ns(2000, 0, 0), 2000 * ms);
    EXPECT_EQ(weir_ejection_ns(2000, 3, 0), 8000 * ms);
    EXPECT_EQ(weir_ejection_ns(2000, 9, 0), 20000 * ms);
    EXPECT_EQ(weir_ejection_ns(2000, 1000, 0), 20000 * ms);
    EXPECT_EQ(weir_ejection_ns(300'000, 5, 0), WEIR_EJECTION_MOST_NS);
    for (const std::uint32_t base : {100U, 2000U, 300'000U}) {
        const auto least = weir_ejection_ns(base, 0, 0),
                   most = weir_ejection_ns(base, 0, UINT32_MAX);
        EXPECT_GT(most, least + least / 9);
        EXPECT_LE(most, least + least / 8);
    }
}

TEST(Health, WhatWasAcceptedAndNotResetUntilTheNextTryIsKnownThen) {
    const std::uint64_t ms = 1'000'000, ejected = 8000 * ms,
                        first = weir_until_next_try(ejected, ejected, 2000);
    EXPECT_EQ(first, 10'000 * ms);
    EXPECT_EQ(weir_until_next_try(first, first, 2000), 12'000 * ms);  // the try hangs
    const auto second = weir_until_next_try(first | WEIR_UNTIL_ACCEPTED, first, 2000);
    EXPECT_EQ(second, (12'000 * ms) | WEIR_UNTIL_HELD);
    EXPECT_EQ(weir_until_next_try(second, second, 2000) & WEIR_UNTIL_MARKS, 0U);
    EXPECT_EQ(weir_until_given_back(second, 5003 * ms + 3), (5003 * ms) | WEIR_UNTIL_ACCEPTED);
    EXPECT_EQ(weir_until_given_back(first | WEIR_UNTIL_ACCEPTED, 5003 * ms), 5003 * ms);
}

TEST(Health, EjectionsAreForgottenAfterALongTimeInUse) {
    EXPECT_EQ(weir_ejections_in_a_row(4, 19'999'000'000, 2000), 4U);
    EXPECT_EQ(weir_ejections_in_a_row(4, 20'000'000'000, 2000), 0U);
}

TEST(Health, InPanicOnlyThoseThatAreHeldAreOut) {
    const __u64 clock = weir_health_clock_of_panic(weir_health_clock(3, 0, 0, 50));
    EXPECT_TRUE(weir_health_panics(clock));
    EXPECT_EQ(weir_health_at(100, 0, clock), static_cast<__u32>(WEIR_HEALTH_IN));
    EXPECT_EQ(weir_health_at(100, 100, clock), static_cast<__u32>(WEIR_HEALTH_OUT));
    EXPECT_EQ(weir_health_clock_of_others(clock), clock);
    EXPECT_FALSE(weir_health_panics(WEIR_HEALTH_ALL_DUE));
    EXPECT_FALSE(weir_health_panics(WEIR_HEALTH_NONE_DUE));
    for (const __u64 now : {50U, 51U, 52U, 53U}) {
        EXPECT_FALSE(weir_health_panics(weir_health_clock(3, 0, 0, now))) << now;
        EXPECT_FALSE(weir_health_panics(weir_health_clock(0, 0, 90, now))) << now;
    }
}

TEST(Health, PanicsBelowItsThreshold) {
    EXPECT_FALSE(weir_too_few_are_in(1, 2, 50));
    EXPECT_TRUE(weir_too_few_are_in(1, 2, 51));
    EXPECT_FALSE(weir_too_few_are_in(1, 3, 66));
    EXPECT_TRUE(weir_too_few_are_in(2, 3, 34));
    EXPECT_FALSE(weir_too_few_are_in(0, 3, 100));
    EXPECT_TRUE(weir_too_few_are_in(1, 1000, 100));
    EXPECT_FALSE(weir_too_few_are_in(0, 0, 100));
    EXPECT_FALSE(weir_too_few_are_in(3, 3, 0));  // asked for by nobody
}

// In panic, each failure of one that is out would make its next ejection longer.
TEST(Health, OneThatIsOutForLongFailsInVain) {
    const std::uint64_t second = 1'000'000'000;
    EXPECT_FALSE(weir_is_out_for_long(10 * second, 8 * second, 2000));  // a try, or its end is near
    EXPECT_FALSE(weir_is_out_for_long(10 * second, 11 * second, 2000));
    EXPECT_TRUE(weir_is_out_for_long(10 * second + 1, 8 * second, 2000));
}

TEST(Health, TimeoutsOfAConnectionAreAStallFromTheSecondOn) {
    EXPECT_FALSE(weir_is_stall(0));
    EXPECT_TRUE(weir_is_stall(1));
    EXPECT_TRUE(weir_is_stall(2));
    EXPECT_FALSE(weir_stall_stands_alone(1000, 1000 + WEIR_STALL_SILENCE_MS));
    EXPECT_TRUE(weir_stall_stands_alone(1000, 1001 + WEIR_STALL_SILENCE_MS));
    EXPECT_FALSE(weir_stall_stands_alone(UINT32_MAX, 5));  // the clock went round
}

}  // namespace
}  // namespace weir

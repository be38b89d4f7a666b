// SPDX-License-Identifier: Apache-2.0
// How often something may happen (bpf/core/rate_limit.h).
#include "bpf/core/rate_limit.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

// How many of those that come every `gap` get through.
unsigned admitted(std::uint64_t gap, unsigned come, __u32 interval, __u32 burst) {
    std::uint64_t due = 0, now = 1'000'000'000;
    unsigned count = 0;
    for (unsigned i = 0; i < come; i++, now += gap)
        if (const auto next = weir_rate_after(due, now, interval, burst); next != 0) {
            due = next;
            count++;
        }
    return count;
}

TEST(RateLimit, ABurstAndThenOnceInTheInterval) {
    EXPECT_EQ(admitted(0, 1000, 1000, 5), 5U);
    EXPECT_EQ(admitted(0, 1000, 1000, 1), 1U);
    EXPECT_EQ(admitted(1, 10'001, 1000, 5), 15U);  // 5 at once, and one each 1000 after the first
    EXPECT_EQ(admitted(1000, 500, 1000, 1), 500U);
    EXPECT_EQ(admitted(999, 1000, 1000, 1), 500U);
}

TEST(RateLimit, WhatIsRefusedDoesNotCount) {
    const auto due = weir_rate_after(0, 5000, 1000, 1);
    EXPECT_EQ(weir_rate_after(due, 5999, 1000, 1), 0U);
    EXPECT_NE(weir_rate_after(due, 6000, 1000, 1), 0U);
}

TEST(RateLimit, AnotherLimitsDebtIsNotPaidOff) {
    const std::uint64_t now = 5'000'000'000, second = 1'000'000'000;
    std::uint64_t due = now + 1000 * second;  // a burst of 1000, where one a second may come
    const __u32 interval = 10'000'000, burst = 100;
    due = weir_rate_after(due, now, interval, burst);
    EXPECT_EQ(due, now + burst * std::uint64_t{interval});
    EXPECT_EQ(weir_rate_after(due, now, interval, burst), 0U);
    EXPECT_NE(weir_rate_after(due, now + interval, interval, burst), 0U);
}

TEST(RateLimit, AnotherCpusClockIsNoOtherLimit) {
    const std::uint64_t now = 5'000'000'000, later = now + 50'000;
    EXPECT_EQ(weir_rate_after(weir_rate_after(0, later, 1000, 1), now, 1000, 1), 0U);
}

TEST(RateLimit, TheLargestDoNotOverflow) {
    EXPECT_EQ(admitted(0, 2'000'000, 1'000'000'000, 1'000'000), 1'000'000U);
}

}  // namespace
}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// Which of two endpoints is quicker, and what is known of them (bpf/core/least_latency.h).
#include "bpf/core/least_latency.h"

#include <gtest/gtest.h>

#include <cmath>

#include "bpf/core/slow_start.h"

namespace weir {
namespace {

__u32 us_after(std::uint64_t word, __u32 us, __u32 now_ms) {
    return weir_latency_us(weir_latency_after(word, us, 0, now_ms));
}

TEST(LeastLatency, ASlowerAnswerCountsAtOnceAndAQuickerOneByAge) {
    const auto word = weir_latency_word(10'000, 0, 1000);
    EXPECT_EQ(us_after(word, 200'000, 1000), 200'000U);
    EXPECT_EQ(us_after(word, 1000, 1000), 10'000U);  // no time has passed
    EXPECT_EQ(us_after(word, 1000, 1000 + WEIR_LATENCY_HALF_MS), 5500U);
    EXPECT_EQ(us_after(word, 1000, 1000 + 2 * WEIR_LATENCY_HALF_MS), 3250U);
    EXPECT_EQ(us_after(word, 1000, 1000 + 100 * WEIR_LATENCY_HALF_MS), 1000U);
    EXPECT_EQ(us_after(word, UINT32_MAX, 1000), WEIR_LATENCY_MOST_US);
}

// Milliseconds in 32 bits begin again after 49 days.
TEST(LeastLatency, TheClockMayWrap) {
    const auto word = weir_latency_word(10'000, 0, UINT32_MAX);
    EXPECT_EQ(us_after(word, 1000, WEIR_LATENCY_HALF_MS - 1), 5500U);
}

TEST(LeastLatency, WhatIsLeftFallsWithoutSteps) {
    for (__u32 age = 0; age < 20 * WEIR_LATENCY_HALF_MS; age++) {
        ASSERT_LE(weir_latency_left(age + 1), weir_latency_left(age)) << age;
        const double exact = 65536 * std::exp2(-double(age) / WEIR_LATENCY_HALF_MS);
        ASSERT_NEAR(weir_latency_left(age), exact, 1 + 0.0615 * exact) << age;
    }
    EXPECT_EQ(weir_latency_left(UINT32_MAX), 0U);
}

TEST(LeastLatency, AHandshakeSaysNothingOnceAnswersAreKnown) {
    auto word = weir_latency_after(0, 50, WEIR_LATENCY_GUESSED, 1);
    EXPECT_FALSE(weir_latency_is_known(word));
    EXPECT_EQ(weir_latency_us(word), 50U);
    word = weir_latency_after(word, 30, 0, 1);  // the first answer, also where it is the quicker
    EXPECT_TRUE(weir_latency_is_known(word));
    EXPECT_EQ(weir_latency_us(word), 30U);
    EXPECT_EQ(weir_latency_after(word, 900, WEIR_LATENCY_GUESSED, 5000), word);
}

TEST(LeastLatency, ComparesTimeTimesConnectionsByWeight) {
    const weir_candidate quick{1000, 1, 0, 64}, slow{20'000, 1, 0, 64};
    EXPECT_TRUE(weir_is_quicker(quick, slow, 0));
    EXPECT_FALSE(weir_is_quicker(slow, quick, 1));
    EXPECT_TRUE(weir_is_quicker(slow, {1000, 1, 20, 64}, 0));
    EXPECT_FALSE(weir_is_quicker(slow, {1000, 1, 18, 64}, 0));
    EXPECT_TRUE(weir_is_quicker({1000, 1, 3, 3 * 64}, {1000, 1, 1, 64}, 0));
    EXPECT_FALSE(weir_is_quicker({1000, 1, 6, 3 * 64}, {1000, 1, 1, 64}, 0));
    EXPECT_EQ(weir_is_quicker(quick, quick, 0), 0);
    EXPECT_EQ(weir_is_quicker(quick, quick, 1), 1);
}

TEST(LeastLatency, TheHeaviestDoNotOverflow) {
    const __u32 heavy = 1'000'000 * WEIR_SHARE_WHOLE;
    const weir_candidate worst{WEIR_LATENCY_MOST_US, 1, UINT32_MAX, heavy};
    EXPECT_TRUE(weir_is_quicker({WEIR_LATENCY_MOST_US - 1, 1, UINT32_MAX, heavy}, worst, 0));
    EXPECT_FALSE(weir_is_quicker(worst, {1, 1, 0, heavy}, 1));
    EXPECT_TRUE(weir_is_quicker({1, 1, 0, 1}, {WEIR_LATENCY_MOST_US, 1, UINT32_MAX, heavy}, 0));
}

TEST(LeastLatency, ACandidateFitsIntoAWord) {
    const __u32 heavy = 1'000'000 * WEIR_SHARE_WHOLE;
    for (const auto& c :
         {weir_candidate{0, 0, 0, 1}, weir_candidate{WEIR_LATENCY_MOST_US, 1, 0, 1},
          weir_candidate{7, 0, WEIR_ACTIVE_MOST, heavy}, weir_candidate{0, 1, 3, 64}}) {
        const auto back = weir_candidate_unpack(weir_candidate_pack(c));
        EXPECT_EQ(back.us, c.us);
        EXPECT_EQ(back.known, c.known);
        EXPECT_EQ(back.active, c.active);
        EXPECT_EQ(back.weight, c.weight);
        EXPECT_NE(weir_candidate_pack(c), 0U);
    }
}

// It accepts and has never answered: it would look as quick as its network.
TEST(LeastLatency, WhoHasNotAnsweredYetIsTriedByOne) {
    const weir_candidate known{5000, 1, 1, 64};
    EXPECT_TRUE(weir_is_quicker({50, 0, 0, 64}, known, 0));
    EXPECT_TRUE(weir_is_quicker({0, 0, 0, 64}, known, 0));
    EXPECT_FALSE(weir_is_quicker({50, 0, 2, 64}, known, 1));
    EXPECT_FALSE(weir_is_quicker({0, 0, 2, 64}, known, 1));
    EXPECT_TRUE(weir_is_quicker({50, 0, 2, 64}, {80, 0, 2, 64}, 0));  // nobody has: the network
}

TEST(LeastLatency, IsTriedAgainAfterAWhile) {
    const auto word = weir_latency_word(10'000, 0, 1000);
    const __u32 chosen = WEIR_EXPLORE_ONE_OF;
    EXPECT_TRUE(weir_is_worth_a_try(word, 1000, 1000 + WEIR_EXPLORE_MS, chosen));
    EXPECT_FALSE(weir_is_worth_a_try(word, 1000, 999 + WEIR_EXPLORE_MS, chosen));
    EXPECT_FALSE(weir_is_worth_a_try(word, 1001, 1000 + WEIR_EXPLORE_MS, chosen));
    EXPECT_FALSE(weir_is_worth_a_try(word, 1000, 1000 + WEIR_EXPLORE_MS, chosen + 1));
}

TEST(SlowStart, TheShareGrowsInALineFromATenth) {
    const std::uint64_t ms = 1'000'000, since = 5 * ms;
    EXPECT_EQ(weir_slow_start_share(since, since, 1000), WEIR_SHARE_LEAST);
    EXPECT_EQ(weir_slow_start_share(since, since - ms, 1000), WEIR_SHARE_LEAST);  // a coarse clock
    EXPECT_EQ(weir_slow_start_share(since, since + 500 * ms, 1000), WEIR_SHARE_WHOLE / 2);
    EXPECT_EQ(weir_slow_start_share(since, since + 1000 * ms, 1000), WEIR_SHARE_WHOLE);
    EXPECT_EQ(weir_slow_start_share(0, since, 1000), WEIR_SHARE_WHOLE);
    for (__u32 luck = 0; luck < 1000; luck++)
        EXPECT_TRUE(weir_has_share(WEIR_SHARE_WHOLE, luck));
    EXPECT_TRUE(weir_has_share(32, 31 + 64));
    EXPECT_FALSE(weir_has_share(32, 32));
}

}  // namespace
}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// Failures over a window, the decisions (bpf/core/failure_rate.h).
#include "bpf/core/failure_rate.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(FailureRate, AWindowBeginsWithNothing) {
    const __u64 word = weir_window_begin(25'000, 10'000);
    EXPECT_EQ(weir_window_connects(word), 0U);
    EXPECT_EQ(weir_window_failures(word), 0U);
    EXPECT_TRUE(weir_window_is_on(word, 29'999, 10'000));
    EXPECT_FALSE(weir_window_is_on(word, 30'000, 10'000));
    EXPECT_FALSE(weir_window_is_on(word, 19'999, 10'000));
}

// A number of 16 bits: the clock of a node that is up for years goes round many times.
TEST(FailureRate, WindowsAreToldApartAfterYears) {
    for (const __u64 at : {0ULL, 655'360'000ULL, 1ULL << 45}) {
        const __u64 word = weir_window_begin(at, 10'000);
        EXPECT_TRUE(weir_window_is_on(word + 5 * WEIR_WINDOW_FAILURE, at, 10'000)) << at;
        EXPECT_FALSE(weir_window_is_on(word, at + 10'000, 10'000)) << at;
    }
}

TEST(FailureRate, CountsBothInOneWord) {
    __u64 word = weir_window_begin(1 << 30, 1000);
    for (int i = 0; i < 300; i++)
        word += WEIR_WINDOW_CONNECT | (i % 3 == 0 ? WEIR_WINDOW_FAILURE : 0);
    EXPECT_EQ(weir_window_connects(word), 300U);
    EXPECT_EQ(weir_window_failures(word), 100U);
    EXPECT_TRUE(weir_window_is_on(word, 1 << 30, 1000));
}

TEST(FailureRate, AFullWindowLeavesRoomForThoseWhoAddAtOnce) {
    const __u64 word = weir_window_begin(1 << 30, 1000);
    EXPECT_FALSE(weir_window_is_full(word + WEIR_WINDOW_MOST - 1));
    EXPECT_TRUE(weir_window_is_full(word + WEIR_WINDOW_MOST));
    EXPECT_TRUE(weir_window_is_full(word + WEIR_WINDOW_MOST * WEIR_WINDOW_FAILURE));
    const __u64 fuller =
        word + WEIR_WINDOW_MOST + 4096 + (WEIR_WINDOW_MOST + 4096) * WEIR_WINDOW_FAILURE;
    EXPECT_TRUE(weir_window_is_on(fuller, 1 << 30, 1000));
}

TEST(FailureRate, TooOftenIsAShareOfEnough) {
    const auto of = [](__u64 failures, __u64 connects) {
        return failures * WEIR_WINDOW_FAILURE + connects * WEIR_WINDOW_CONNECT;
    };
    EXPECT_TRUE(weir_fails_too_often(of(10, 20), 50, 20));
    EXPECT_FALSE(weir_fails_too_often(of(9, 20), 50, 20));
    EXPECT_FALSE(weir_fails_too_often(of(19, 19), 50, 20));  // too few to tell
    EXPECT_TRUE(weir_fails_too_often(of(1, 100), 1, 20));
    EXPECT_FALSE(weir_fails_too_often(of(0, 100), 1, 20));
    EXPECT_FALSE(weir_fails_too_often(of(100, 100), 0, 20));  // not asked for
    EXPECT_TRUE(weir_fails_too_often(of(WEIR_WINDOW_MOST, WEIR_WINDOW_MOST), 100, 20));
}

}  // namespace
}  // namespace weir

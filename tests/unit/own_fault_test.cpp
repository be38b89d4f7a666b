// SPDX-License-Identifier: Apache-2.0
// Whose fault silence is (bpf/core/own_fault.h).
#include "bpf/core/own_fault.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

TEST(OwnFault, AnAnswerOfSomebodyElseVouchesForTheNetwork) {
    const auto failing = weir_failing_since(5000 * kMs);
    EXPECT_EQ(weir_failing_after(failing, 0, 6000 * kMs), failing);
    EXPECT_EQ(weir_failing_after(failing, 4990 * kMs, 6000 * kMs), failing);  // before it
    const auto vouched = weir_failing_after(failing, 5500 * kMs, 6000 * kMs);
    EXPECT_TRUE(vouched & WEIR_FAILING_VOUCHED);
    // The first answer that is seen stays.
    EXPECT_EQ(weir_failing_after(vouched, 5900 * kMs, 6000 * kMs), vouched);
}

TEST(OwnFault, WhatWasSentBeforeTheAnswerDoesNotCount) {
    const auto failing = weir_failing_since(5000 * kMs);
    EXPECT_FALSE(weir_is_endpoints_fault(failing, 5900 * kMs));  // nobody has answered
    const auto vouched = weir_failing_after(failing, 5500 * kMs, 6000 * kMs);
    EXPECT_FALSE(weir_is_endpoints_fault(vouched, 5490 * kMs));
    EXPECT_TRUE(weir_is_endpoints_fault(vouched, 5502 * kMs));
}

TEST(OwnFault, WhatOneNetworkVouchedForAnotherDoesNot) {
    const auto failing = weir_failing_since(5000 * kMs);
    EXPECT_EQ(weir_vouch_wanted_after(failing), failing);
    for (const std::uint64_t at : {5500 * kMs, 5501 * kMs}) {
        const auto wanted = weir_vouch_wanted_after(weir_failing_after(failing, at, 6000 * kMs));
        EXPECT_TRUE(weir_answered_after(at, wanted, 6000 * kMs));  // the answer that vouched
        EXPECT_FALSE(weir_answered_after(5498 * kMs, wanted, 6000 * kMs));
    }
}

TEST(OwnFault, TheClockMayWrap) {
    const std::uint64_t wrap = (std::uint64_t{1} << 32) * kMs;
    const auto failing = weir_failing_since(wrap - 10 * kMs);
    const auto vouched = weir_failing_after(failing, wrap + 10 * kMs, wrap + 20 * kMs);
    EXPECT_TRUE(weir_is_endpoints_fault(vouched, wrap + 14 * kMs));
    EXPECT_FALSE(weir_is_endpoints_fault(vouched, wrap - 4 * kMs));
    // An answer of a month ago is not a later one.
    EXPECT_FALSE(weir_answered_after(kMs, weir_failing_since(30ULL * 86400 * 1000 * kMs),
                                     30ULL * 86400 * 1000 * kMs));
}

}  // namespace
}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// Deadlines as the kernel's timers (bpf/core/deadline.h).
#include "bpf/core/deadline.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr __u32 kTick = 4'000'000;  // HZ=250

TEST(Deadline, ASynIsSentAgainWellBeforeTheDeadline) {
    EXPECT_EQ(weir_syn_timeout_ticks(300, kTick), 25U);
    EXPECT_EQ(weir_syn_timeout_ticks(300, 1'000'000), 100U);
    EXPECT_EQ(weir_syn_timeout_ticks(10, kTick), 1U);
    EXPECT_EQ(weir_syn_timeout_ticks(10, 10'000'000), 1U);
    EXPECT_EQ(weir_syn_timeout_ticks(120'000, kTick), 250U);  // no later than without weir
}

TEST(Deadline, TheTimeBeforeTheKernelsClockBeginsCountsToo) {
    EXPECT_EQ(weir_user_timeout_ms(10'000, 201), 9799U);
    EXPECT_EQ(weir_user_timeout_ms(1000, 0), 1000U);
    EXPECT_EQ(weir_user_timeout_ms(0, 200), 0U);
    EXPECT_EQ(weir_user_timeout_ms(1000, 4000), 250U);
}

TEST(Deadline, ATailLossProbeComesBeforeTheRetransmissionTimer) {
    EXPECT_EQ(weir_first_timeout_ms(204, 100, 0), 204U);
    EXPECT_EQ(weir_first_timeout_ms(204, 100, 1), 404U);
    EXPECT_EQ(weir_first_timeout_ms(300, 100'000, 1), 700U);  // and two round trips of 100 ms
}

}  // namespace
}  // namespace weir

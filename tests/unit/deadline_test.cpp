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
    EXPECT_EQ(weir_user_timeout_ms(10'000), 9700U);
    EXPECT_EQ(weir_user_timeout_ms(1000), 700U);
    EXPECT_EQ(weir_user_timeout_ms(0), 0U);
}

}  // namespace
}  // namespace weir

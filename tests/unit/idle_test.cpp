// SPDX-License-Identifier: Apache-2.0
// Idle connections, the decisions (bpf/core/idle.h).
#include "bpf/core/idle.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace weir {
namespace {

TEST(Idle, CountsFromTheLastDataEitherWay) {
    EXPECT_EQ(weir_idle_ticks(100, 40, 90), 10U);
    EXPECT_EQ(weir_idle_ticks(100, 97, 90), 3U);
    EXPECT_EQ(weir_idle_ticks(100, 100, 100), 0U);
    EXPECT_EQ(weir_idle_ticks(5, UINT32_MAX - 4, 1), 4U);  // the clock went round
    EXPECT_EQ(weir_idle_ticks(5, UINT32_MAX - 4, UINT32_MAX), 6U);
}

TEST(Idle, IsOverAfterItsTime) {
    constexpr std::uint32_t kTick = 4'000'000;
    EXPECT_FALSE(weir_is_idle_for(499, kTick, 2000));
    EXPECT_TRUE(weir_is_idle_for(500, kTick, 2000));
    EXPECT_FALSE(weir_is_idle_for(UINT32_MAX, kTick, 0));  // for ever
    EXPECT_TRUE(weir_is_idle_for(21'600'000, kTick, 86'400'000));
    EXPECT_FALSE(weir_is_idle_for(21'599'999, kTick, 86'400'000));
}

}  // namespace
}  // namespace weir

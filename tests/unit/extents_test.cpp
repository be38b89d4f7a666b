// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "userspace/model/extents.h"

namespace weir {
namespace {

TEST(Extents, TakesFirstFitAndMerges) {
    Extents rows(10);
    EXPECT_EQ(rows.take(4), 0U);
    EXPECT_EQ(rows.take(4), 4U);
    EXPECT_EQ(rows.take(4), std::nullopt);
    rows.give_back(0, 4);
    EXPECT_EQ(rows.take(2), 0U);
    rows.give_back(4, 4);
    EXPECT_EQ(rows.take(8), 2U);
    EXPECT_EQ(rows.free_rows(), 0U);
}

TEST(Extents, TakesWhatIsNamed) {
    Extents rows(10);
    EXPECT_TRUE(rows.take_at(3, 4));
    EXPECT_FALSE(rows.take_at(6, 2));
    EXPECT_FALSE(rows.take_at(9, 2));
    EXPECT_TRUE(rows.take_at(0, 3));
    EXPECT_TRUE(rows.take_at(7, 3));
    EXPECT_EQ(rows.free_rows(), 0U);
}

TEST(Extents, NeverHandsOutARowTwice) {
    std::mt19937 random(1);
    Extents rows(500);
    std::vector<bool> taken(500);
    std::vector<std::pair<std::uint32_t, std::uint32_t>> held;
    for (int i = 0; i < 20000; i++) {
        if (!held.empty() && random() % 2 == 0) {
            const auto which = random() % held.size();
            const auto [start, count] = held[which];
            held.erase(held.begin() + static_cast<long>(which));
            for (auto row = start; row < start + count; row++)
                taken[row] = false;
            rows.give_back(start, count);
            continue;
        }
        const std::uint32_t count = 1 + random() % 40;
        const auto start = rows.take(count);
        if (!start)
            continue;
        for (auto row = *start; row < *start + count; row++) {
            ASSERT_FALSE(taken.at(row));
            taken[row] = true;
        }
        held.emplace_back(*start, count);
    }
    for (const auto& [start, count] : held)
        rows.give_back(start, count);
    EXPECT_EQ(rows.take(500), 0U);
}

}  // namespace
}  // namespace weir

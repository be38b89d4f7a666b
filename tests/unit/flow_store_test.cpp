// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/events/flow_store.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

weir_event at(std::uint64_t ns) {
    weir_event event{};
    event.at_ns = ns;
    return event;
}

TEST(FlowStore, GivesWhatIsNew) {
    FlowStore store(10);
    for (std::uint64_t ns = 1; ns <= 3; ns++)
        store.add(at(ns));
    EXPECT_EQ(store.next(), 3U);
    EXPECT_EQ(store.from(0).size(), 3U);
    ASSERT_EQ(store.from(2).size(), 1U);
    EXPECT_EQ(store.from(2)[0].event.at_ns, 3U);
    EXPECT_TRUE(store.from(3).empty());
    EXPECT_TRUE(store.from(99).empty());
}

TEST(FlowStore, GapsAreInTheirPlace) {
    FlowStore store(10);
    store.add(at(1));
    store.add_gap(2, 7, 0);
    store.add_gap(3, 0, 0);  // nothing was lost
    store.add(at(4));
    const auto entries = store.from(0);
    ASSERT_EQ(entries.size(), 3U);
    EXPECT_TRUE(!entries[0].is_gap() && entries[1].is_gap() && !entries[2].is_gap());
    EXPECT_EQ(entries[1].lost, 7U);
}

TEST(FlowStore, WhatHappenedToEndpointsStaysLonger) {
    FlowStore store(16);
    for (std::uint64_t i = 0; i < 100; i++) {
        weir_event event{};
        event.kind = i % 20 == 10 ? WEIR_EVENT_EJECTED : WEIR_EVENT_OPENED;
        event.at_ns = i;
        store.add(event);
    }
    const auto all = store.from(0);  // 84 to 99, and the last two of 10, 30, 50, 70
    ASSERT_EQ(all.size(), 18U);
    EXPECT_EQ(all[0].event.at_ns, 50U);
    EXPECT_EQ(all[1].event.at_ns, 70U);
    EXPECT_EQ(all[2].event.at_ns, 84U);
    const auto late = store.from(60);
    ASSERT_EQ(late.size(), 18U);
    EXPECT_EQ(late[0].lost, 23U);  // 60 to 83, without 70
    EXPECT_EQ(late[1].event.at_ns, 70U);
}

TEST(FlowStore, WhatIsGoneForAReaderIsAGap) {
    FlowStore store(3);
    for (std::uint64_t ns = 1; ns <= 8; ns++)
        store.add(at(ns));
    const auto entries = store.from(2);
    ASSERT_EQ(entries.size(), 4U);
    EXPECT_EQ(entries[0].lost, 3U);
    EXPECT_EQ(entries[1].event.at_ns, 6U);
    EXPECT_EQ(store.from(0).size(), 3U) << "who begins has missed nothing";
}

}  // namespace
}  // namespace weir

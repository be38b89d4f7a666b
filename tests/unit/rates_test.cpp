// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/rates.h"

#include <gtest/gtest.h>

#include "bpf/core/latency.h"

namespace weir {
namespace {

Histogram times(std::uint64_t us, std::uint32_t count) {
    weir_histogram row{};
    row.buckets[weir_latency_bucket(us)] = count;
    row.count = count;
    row.sum_us = us * count;
    return Histogram::of(row);
}

EdgeView edge(const std::string& workload, const std::string& endpoint, std::uint64_t opened,
              std::uint64_t failed, std::uint64_t bytes) {
    EdgeView view{workload, "orders.shop", 80, "TCP", endpoint, {}};
    view.counts.opened = opened;
    view.counts.failed = failed;
    view.counts.bytes_received = bytes;
    return view;
}

TEST(Rates, AreWhatGrewPerSecond) {
    auto before = edge("a", "10.0.0.2:80", 100, 10, 5000),
         now = edge("a", "10.0.0.2:80", 140, 20, 9000);
    before.latencies.first_byte = times(100, 50);
    now.latencies.first_byte = times(100, 50);
    now.latencies.first_byte += times(8000, 3);
    const auto rates = rate_views({before}, {now}, 2, RateOf::kService);
    ASSERT_EQ(rates.size(), 1U);
    EXPECT_EQ(rates[0].name, "orders.shop:80");
    EXPECT_DOUBLE_EQ(rates[0].perSecond, 20);
    EXPECT_DOUBLE_EQ(rates[0].success, 0.75);
    EXPECT_EQ(rates[0].counts.bytes_received, 4000U);
    EXPECT_EQ(rates[0].latencies.first_byte.count(), 3U);
    EXPECT_GT(rates[0].latencies.first_byte.quantile(0.01), 0.007) << "the old ones are not in it";
}

TEST(Rates, AreSummedByServiceWorkloadOrEndpoint) {
    const std::vector<EdgeView> now{edge("a", "10.0.0.2:80", 10, 0, 0),
                                    edge("a", "10.0.0.3:80", 20, 0, 0),
                                    edge("b", "10.0.0.3:80", 40, 0, 0)};
    const auto sums = [&](RateOf of) {
        std::vector<std::pair<std::string, double>> all;
        for (const auto& view : rate_views({}, now, 1, of))
            all.emplace_back(view.name, view.perSecond);
        return all;
    };
    using Sums = std::vector<std::pair<std::string, double>>;
    EXPECT_EQ(sums(RateOf::kService), (Sums{{"orders.shop:80", 70}}));
    EXPECT_EQ(sums(RateOf::kWorkload), (Sums{{"a", 30}, {"b", 40}}));
    EXPECT_EQ(sums(RateOf::kEndpoint),
              (Sums{{"orders.shop:80 10.0.0.2:80", 10}, {"orders.shop:80 10.0.0.3:80", 60}}));
}

TEST(Rates, QuietOnesAreOutAndOpenOnesAreIn) {
    auto quiet = edge("a", "10.0.0.2:80", 10, 0, 0), open = edge("b", "10.0.0.2:80", 10, 0, 0);
    open.counts.active = 3;
    const auto rates = rate_views({quiet, open}, {quiet, open}, 1, RateOf::kWorkload);
    ASSERT_EQ(rates.size(), 1U);
    EXPECT_EQ(rates[0].name, "b");
    EXPECT_EQ(rates[0].counts.active, 3U);
    EXPECT_DOUBLE_EQ(rates[0].success, 1);
}

TEST(Rates, ConnectsThatFailAfterTheyWereOpenedBefore) {
    const auto rates =
        rate_views({edge("a", "x", 10, 0, 0)}, {edge("a", "x", 10, 4, 0)}, 1, RateOf::kService);
    EXPECT_DOUBLE_EQ(rates.at(0).success, 0);
}

TEST(Rates, WhatWasFoldedIsNoGrowth) {
    const auto stays = edge("a", "10.0.0.3:80", 50, 1, 0);
    const auto before = std::vector{edge("a", "10.0.0.2:80", 1000, 9, 0), stays,
                                    edge("b", "10.0.0.2:80", 400, 0, 0)};
    // a's endpoint left, and so did all of b; four more connects were seen before that.
    const auto now = std::vector{edge("a", "departed", 1004, 9, 0), stays,
                                 edge("departed", "departed", 400, 0, 0)};
    for (const auto of : {RateOf::kService, RateOf::kWorkload, RateOf::kEndpoint}) {
        std::uint64_t opened = 0;
        for (const auto& rate : rate_views(before, now, 1, of))
            opened += rate.counts.opened;
        EXPECT_EQ(opened, 4U);
    }
}

TEST(Rates, AReplacedRowIsNotNegative) {
    const auto rates = rate_views({edge("a", "departed", 100, 9, 0)},
                                  {edge("a", "departed", 5, 10, 0)}, 1, RateOf::kService);
    EXPECT_DOUBLE_EQ(rates.at(0).perSecond, 0);
    EXPECT_EQ(rates.at(0).counts.failed, 1U);
}

}  // namespace
}  // namespace weir

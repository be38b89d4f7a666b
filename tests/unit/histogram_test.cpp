// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "bpf/core/latency.h"
#include "userspace/observe/views/json.h"

namespace weir {
namespace {

Histogram of(const std::vector<std::uint64_t>& times_us) {
    weir_histogram row{};
    for (const auto us : times_us) {
        row.buckets[weir_latency_bucket(us)]++;
        row.count++;
        row.sum_us += us;
    }
    return Histogram::of(row);
}

TEST(Histogram, EveryTimeIsInItsBucketAndBucketsFollowOneAnother) {
    for (std::uint32_t i = 0; i < WEIR_LATENCY_BUCKETS; i++) {
        EXPECT_EQ(weir_latency_bucket(weir_latency_floor_us(i)), i);
        EXPECT_EQ(weir_latency_bucket(weir_latency_floor_us(i + 1) - 1), i);
    }
}

TEST(Histogram, NothingHasNoQuantile) {
    EXPECT_EQ(of({}).quantile(0.5), std::nullopt);
    EXPECT_EQ(of({}).count(), 0U);
}

TEST(Histogram, QuantilesAreWithinAnEighth) {
    std::mt19937_64 random(1);
    std::lognormal_distribution<double> spread(7, 1.5);
    std::vector<std::uint64_t> times(10000);
    for (auto& time : times)
        time = static_cast<std::uint64_t>(spread(random)) + 20;
    const auto histogram = of(times);
    std::sort(times.begin(), times.end());
    for (const double share : {0.01, 0.5, 0.95, 0.99, 0.999}) {
        const auto exact =
            static_cast<double>(times[static_cast<std::size_t>(share * 10000) - 1]) / 1e6;
        EXPECT_NEAR(*histogram.quantile(share), exact, exact / 8) << share;
    }
}

TEST(Histogram, SumsAddUpAndLimitsAreExact) {
    auto sum = of({1, 2, 1000});
    sum += of({1024, 4000000});
    sum += of({});
    EXPECT_EQ(sum.count(), 5U);
    EXPECT_DOUBLE_EQ(sum.sum(), 4.002027);
    EXPECT_EQ(sum.count_below(10), 3U);  // 1000 us are, 1024 are not
    EXPECT_EQ(sum.count_below(11), 4U);
    EXPECT_EQ(sum.count_below(26), 5U);
}

TEST(Histogram, SurvivesTheControlSocket) {
    Latencies sent;
    sent.connect = of({3, 100, 70000000});
    sent.first_byte = of({5});
    sent.left_out = 2;
    const auto received = nlohmann::json(sent).get<Latencies>();
    EXPECT_EQ(received.connect.buckets, sent.connect.buckets);
    EXPECT_EQ(received.connect.sum_us, sent.connect.sum_us);
    EXPECT_EQ(received.first_byte.count(), 1U);
    EXPECT_EQ(received.rtt.count(), 0U);
    EXPECT_EQ(received.left_out, 2U);
}

}  // namespace
}  // namespace weir

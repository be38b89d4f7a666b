// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/metrics/series_budget.h"

#include <gtest/gtest.h>

#include "bpf/core/latency.h"

namespace weir {
namespace {

EdgeView edge(const std::string& workload, const std::string& service, const std::string& endpoint,
              std::uint64_t opened) {
    EdgeView view{workload, service, 80, "TCP", endpoint, {}};
    view.counts.opened = opened;
    view.counts.failed = view.counts.failed_by[WEIR_FAILURE_REFUSED] = opened / 2;
    weir_histogram row{};
    row.count = row.buckets[weir_latency_bucket(100)] = static_cast<__u32>(opened);
    view.latencies.connect = Histogram::of(row);
    return view;
}

// `services` services with two endpoints each, called by one workload.
std::vector<EdgeView> mesh(int services, std::uint64_t opened = 10) {
    std::vector<EdgeView> edges;
    for (int i = 0; i < services; i++)
        for (const char* endpoint : {"10.0.0.2:80", "10.0.0.3:80"})
            edges.push_back(edge("caller", "s" + std::to_string(i), endpoint, opened));
    return edges;
}

std::uint64_t opened(const std::vector<EdgeView>& edges) {
    std::uint64_t sum = 0;
    for (const auto& one : edges)
        sum += one.counts.opened;
    return sum;
}

const EdgeView* find(const std::vector<EdgeView>& edges, const std::string& workload,
                     const std::string& service, const std::string& endpoint) {
    for (const auto& one : edges)
        if (one.workload == workload && one.service == service && one.endpoint == endpoint)
            return &one;
    return nullptr;
}

TEST(SeriesBudget, WithRoomEveryEdgeHasItsOwn) {
    SeriesBudget budget(5000);
    const auto exported = budget.divide(mesh(10), {}, 100);
    EXPECT_EQ(exported.edges.size(), 20U);
    EXPECT_EQ(exported.failures.size(), 10U);
    EXPECT_EQ(exported.times.size(), 10U);
    EXPECT_EQ(exported.times[0].latencies.connect.count(), 20U);
    EXPECT_EQ(exported.other_ratio, 0);
}

TEST(SeriesBudget, IsNeverExceededAndSumsStay) {
    SeriesBudget budget(1000);
    for (int services : {3, 40, 200, 5, 200}) {
        const auto edges = mesh(services);
        const auto exported = budget.divide(edges, {}, 100);
        EXPECT_LE(exported.series + 100, 1000U);
        EXPECT_GE(opened(exported.edges), opened(edges)) << services;
        std::uint64_t failed = 0, times = 0;
        for (const auto& one : exported.failures)
            failed += one.counts.failed;
        for (const auto& one : exported.times)
            times += one.latencies.connect.count();
        EXPECT_GE(failed, opened(edges) / 2);
        EXPECT_GE(times, opened(edges));
    }
}

TEST(SeriesBudget, TheBusiestAreAdmitted) {
    SeriesBudget budget(1000);
    auto edges = mesh(100, 1);
    edges.push_back(edge("caller", "z", "10.0.0.9:80", 5000));
    const auto exported = budget.divide(edges, {}, 100);
    EXPECT_NE(find(exported.edges, "caller", "z", "10.0.0.9:80"), nullptr);
    EXPECT_GT(exported.other_ratio, 0.01);
    EXPECT_LT(exported.other_ratio, 0.04);
}

TEST(SeriesBudget, AdmittedSeriesStayAndOthersStayOut) {
    SeriesBudget budget(1000);
    const auto first = budget.divide(mesh(100, 1), {}, 100);
    auto edges = mesh(100, 1);
    for (auto& one : edges)  // the order of business is another one
        one.counts.opened += static_cast<std::uint64_t>(std::stoi(one.service.substr(1)));
    edges.push_back(edge("caller", "new", "10.0.0.9:80", 9000));
    const auto second = budget.divide(edges, {}, 100);
    for (const auto& one : first.edges)
        EXPECT_NE(find(second.edges, one.workload, one.service, one.endpoint), nullptr);
    EXPECT_EQ(first.edges.size(), second.edges.size());
}

TEST(SeriesBudget, NoCounterFallsWhenWhatIsInOtherGoes) {
    SeriesBudget budget(1000);
    const auto before = budget.divide(mesh(100), {}, 100);
    const auto* was = find(before.edges, "other", "other", "other");
    ASSERT_NE(was, nullptr);
    for (int round = 0; round < 3; round++) {
        const auto after = budget.divide(mesh(20), {}, 100);  // 80 services were removed
        const auto* is = find(after.edges, "other", "other", "other");
        ASSERT_NE(is, nullptr);
        EXPECT_EQ(is->counts.opened, was->counts.opened);
    }
}

TEST(SeriesBudget, EndpointsThatLeftAreTheCallersOther) {
    SeriesBudget budget(5000);
    (void)budget.divide({edge("caller", "s", "10.0.0.2:80", 10), edge("x", "s", "none", 3)}, {},
                        100);
    const auto exported = budget.divide(
        {edge("caller", "s", "departed", 10), edge("departed", "s", "departed", 3)}, {}, 100);
    const auto* left = find(exported.edges, "caller", "s", "other");
    const auto* gone = find(exported.edges, "other", "s", "other");
    ASSERT_TRUE(left != nullptr && gone != nullptr);
    EXPECT_EQ(left->counts.opened, 10U);
    EXPECT_EQ(gone->counts.opened, 3U);
}

}  // namespace
}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// What is said before a mesh cuts an application off (userspace/cli/cut_off.h).
#include "userspace/cli/cut_off.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

Snapshot mesh_of(const Limits& limits, std::uint32_t weight = 1) {
    auto service = std::make_shared<Service>();
    service->name = "orders.shop";
    service->limits = limits;
    service->endpoints = {{*Addr::parse("10.0.0.2"), weight}, {*Addr::parse("10.0.0.3"), 0}};
    Snapshot snapshot;
    snapshot.services.put(service);
    return snapshot;
}

EndpointView open_to(const char* endpoint, std::uint64_t active) {
    EndpointView view;
    view.service = "orders.shop";
    view.port = 80;
    view.protocol = "TCP";
    view.endpoint = endpoint;
    view.counts.active = active;
    return view;
}

const std::vector<EndpointView> kNow{open_to("10.0.0.2:8080", 7), open_to("10.0.0.9:8080", 4)};

TEST(CutOff, ALimitBelowWhatIsOpen) {
    const auto warnings = cut_off_warnings(mesh_of({}), mesh_of({10, 5, 0, 0}), kNow);
    ASSERT_EQ(warnings.size(), 2U);
    EXPECT_NE(warnings[0].find("10.0.0.2:8080 of orders.shop:80/TCP has 7 open connections"),
              std::string::npos);
    EXPECT_NE(warnings[0].find("maxConnectionsPerEndpoint 5"), std::string::npos);
    EXPECT_NE(warnings[1].find("orders.shop:80/TCP has 11 open connections"), std::string::npos);
    EXPECT_NE(warnings[1].find("maxConnections 10"), std::string::npos);
}

TEST(CutOff, NotWhatIsHighEnoughOrWasSoBefore) {
    EXPECT_TRUE(lowers_a_limit(mesh_of({}), mesh_of({11, 0, 0, 0})));
    EXPECT_FALSE(lowers_a_limit(mesh_of({9, 4, 0, 0}), mesh_of({10, 5, 0, 0})));
    EXPECT_TRUE(cut_off_warnings(mesh_of({}), mesh_of({11, 7, 0, 0}), kNow).empty());
    EXPECT_TRUE(cut_off_warnings(mesh_of({10, 5, 0, 0}), mesh_of({10, 5, 0, 0}), kNow).empty());
    EXPECT_TRUE(cut_off_warnings(mesh_of({9, 4, 0, 0}), mesh_of({10, 5, 0, 0}), kNow).empty());
}

TEST(CutOff, AShorterIdleTimeout) {
    const auto idle = [](std::uint32_t ms) {
        auto service = std::make_shared<Service>(**mesh_of({}).services.begin());
        service->timeouts.idle_ms = ms;
        Snapshot snapshot;
        snapshot.services.put(service);
        return snapshot;
    };
    EXPECT_TRUE(lowers_a_limit(idle(0), idle(2000)));
    EXPECT_FALSE(lowers_a_limit(idle(2000), idle(60'000)));
    const auto warnings = cut_off_warnings(idle(0), idle(2000), kNow);
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_NE(warnings[0].find("orders.shop:80/TCP has 11 open connections"), std::string::npos);
    EXPECT_NE(warnings[0].find("`timeouts.idle` 2s"), std::string::npos);
    EXPECT_TRUE(cut_off_warnings(idle(2000), idle(60'000), kNow).empty());
    EXPECT_TRUE(cut_off_warnings(idle(0), idle(2000), {}).empty());
}

TEST(CutOff, TheLastEndpoint) {
    const auto warnings = cut_off_warnings(mesh_of({}), mesh_of({}, 0), {});
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_NE(warnings[0].find("orders.shop has no endpoint left"), std::string::npos);
    EXPECT_TRUE(cut_off_warnings(mesh_of({}, 0), mesh_of({}, 0), {}).empty());
}

}  // namespace
}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// A plan of what changed leads where a plan of everything leads.
#include <gtest/gtest.h>

#include <random>

#include "userspace/model/plan.h"

namespace weir {
namespace {

// Nothing is given back here: there must be room for all that ever was.
LiveState empty_live() {
    LiveState live;
    live.free_ports = Extents(1U << 14U);
    live.free_endpoints = Extents(1U << 18U);
    live.free_slots = Extents(1U << 24U);
    live.endpoint_generations.resize(1U << 18U);
    live.vip_capacity = 256;
    live.pattern_capacity = 64;
    return live;
}

std::shared_ptr<const Service> random_service(std::mt19937& random, int number, int address) {
    auto service = std::make_shared<Service>();
    service->name = "s" + std::to_string(number);
    service->addresses.push_back({*Addr::parse("10.0.0." + std::to_string(address)), {}});
    for (std::uint16_t port = 80; port < 82; port++)
        if (port == 80 || random() % 2 == 0)
            service->ports.push_back({"", port, 8080, Protocol::kTcp, {}, {}});
    for (unsigned e = 1; e < 12; e++)
        if (random() % 2 == 0)
            service->endpoints.push_back({*Addr::parse("10.1.0." + std::to_string(e)),
                                          static_cast<std::uint32_t>(random() % 3),
                                          {},
                                          {},
                                          {}});
    return service;
}

// By name, what the kernel would do with each service port.
auto meaning(const LiveState& live) {
    std::map<std::string, std::tuple<std::set<Vip>, std::set<DesiredEndpoint>, std::uint32_t>> all;
    for (const auto& [id, port] : live.ports) {
        auto& [vips, endpoints, count] = all[port.name];
        vips = port.vips;
        count = port.settings.both.count;
        for (const auto& row : port.range.rows)
            if (row.state == LiveEndpoint::State::kHeld)
                endpoints.insert({row.addr, row.port, row.flags});
    }
    return all;
}

TEST(PlanChanges, LeadWhereAPlanOfEverythingLeads) {
    std::mt19937 random(11);
    auto all_at_once = empty_live(), by_changes = empty_live();
    Snapshot before;
    for (std::uint64_t step = 1; step < 400; step++) {
        Snapshot after = before;
        // Addresses are handed round, so that one leaves a service for another at times.
        const int turn = static_cast<int>(random() % 20);
        std::vector<std::shared_ptr<const Service>> services;
        for (const auto& service : before.services)
            if (random() % 8 != 0)
                services.push_back(service);
        after.services = Named<Service>(services);
        for (int number = 0; number < 20; number++)
            if (random() % 8 == 0)
                after.services.put(random_service(random, number, 1 + (number + turn) % 20));
        std::set<Addr> taken;
        bool meets = false;
        for (const auto& service : after.services)
            meets |= !taken.insert(service->addresses[0].addr).second;
        if (meets)
            continue;  // as the rules of a mesh would refuse it
        ASSERT_TRUE(plan(all_at_once, compile(after, ""), step).refusals.empty());
        const auto made = plan(by_changes, compile_changes(before, after, ""), step);
        ASSERT_TRUE(made.refusals.empty());
        ASSERT_EQ(meaning(by_changes), meaning(all_at_once)) << step;
        ASSERT_EQ(by_changes.vip_count, all_at_once.vip_count);
        ASSERT_EQ(by_changes.vip_filter, all_at_once.vip_filter);
        EXPECT_TRUE(plan(by_changes, compile_changes(after, after, ""), step).operations.empty());
        before = after;
    }
    EXPECT_GT(before.services.size(), 3U);
}

TEST(PlanChanges, CostWhatChanged) {
    std::mt19937 random(1);
    Snapshot before;
    for (int number = 0; number < 100; number++)
        before.services.put(random_service(random, number, 1 + number));
    auto live = empty_live();
    plan(live, compile(before, ""), 1);
    Snapshot after = before;
    auto changed = std::make_shared<Service>(before.services.at("s7"));
    changed->endpoints.push_back({*Addr::parse("10.1.9.9"), 1, {}, {}, {}});
    after.services.put(changed);
    const auto desired = compile_changes(before, after, "");
    EXPECT_EQ(desired.ports.size(), changed->ports.size());
    EXPECT_TRUE(desired.same_workloads);
    EXPECT_LE(plan(live, desired, 2).operations.size(), 4 * changed->ports.size() + 1);
}

}  // namespace
}  // namespace weir

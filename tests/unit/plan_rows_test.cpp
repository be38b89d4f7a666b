// SPDX-License-Identifier: Apache-2.0
// Whoever looks through a service port's rows sees the endpoints that it has, and none that it, or
// another, had before: however services grow, leave and come back in each other's rows.
#include <gtest/gtest.h>

#include <random>

#include "userspace/model/plan.h"

namespace weir {
namespace {

using State = LiveEndpoint::State;

DesiredState random_mesh(std::mt19937& random) {
    DesiredState mesh;
    for (std::uint32_t s = 1; s < 5; s++) {
        if (random() % 3 == 0)
            continue;
        DesiredPort port;
        port.name = "s" + std::to_string(s) + ":80";
        port.vips.push_back({*Addr::parse("10.0.0." + std::to_string(s)), 80});
        const auto most = 1 + random() % 30;
        for (std::uint32_t e = 1; e <= most; e++)
            if (random() % 3 != 0)
                port.endpoints.push_back({*Addr::parse("10.1.0." + std::to_string(e)), 8080, 1});
        mesh.ports.emplace(port.name, port);
    }
    return mesh;
}

// No socket holds anything at times: what was left is free again.
void let_go(LiveState& live) {
    for (auto& [id, port] : live.ports)
        for (auto& row : port.range.rows)
            if (row.state == State::kDraining)
                row = {};
    for (const auto& [id, range] : live.leaving_ranges)
        live.free_endpoints.give_back(range.base, static_cast<std::uint32_t>(range.rows.size()));
    live.leaving_ranges.clear();
    for (const auto& [id, range] : live.leaving_ports) {
        live.free_ports.give_back(id, 1);
        live.free_endpoints.give_back(range.base, static_cast<std::uint32_t>(range.rows.size()));
    }
    live.leaving_ports.clear();
}

TEST(PlanRows, ShowTheEndpointsThatAServiceHas) {
    std::mt19937 random(5);
    LiveState live;
    live.free_ports = Extents(16);
    live.free_endpoints = Extents(4096);
    live.free_slots = Extents(1U << 20U);
    live.vip_capacity = live.pattern_capacity = 64;
    std::map<std::uint32_t, weir_endpoint> table;
    for (std::uint64_t generation = 1; generation < 400; generation++) {
        const auto made = plan(live, random_mesh(random), generation);
        ASSERT_TRUE(made.refusals.empty());
        for (const auto& operation : made.operations)
            if (const auto* write = std::get_if<WriteEndpoint>(&operation))
                table[write->id] = write->row;
            else if (const auto* flag = std::get_if<FlagEndpoint>(&operation))
                table[flag->id].flags = flag->flags;
        for (const auto& [id, port] : live.ports) {
            std::multiset<Addr> seen, wanted;
            for (std::uint32_t i = 0; i < port.range.rows.size(); i++)
                if (const auto row = table.find(port.range.base + i);
                    row != table.end() && row->second.svc_port == id && row->second.flags == 0)
                    seen.insert(Addr(row->second.addr));
            for (const auto& endpoint : port.applied->endpoints)
                wanted.insert(endpoint.addr);
            ASSERT_EQ(seen, wanted) << port.name << " at " << generation;
        }
        // What still holds rows of a service that is gone is to know that it is.
        for (const auto& [id, range] : live.leaving_ranges)
            for (std::uint32_t i = 0; !live.ports.contains(id) && i < range.rows.size(); i++)
                if (range.rows[i].state != State::kFree) {
                    ASSERT_EQ(table[range.base + i].flags, WEIR_ENDPOINT_LEAVING);
                }
        if (random() % 2 == 0)
            let_go(live);
    }
}

}  // namespace
}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "bpf/core/vip_filter.h"
#include "userspace/model/plan.h"
#include "userspace/model/subsets.h"

namespace weir {
namespace {

LiveState empty_live(std::uint32_t ports = 64, std::uint32_t endpoints = 256,
                     std::uint32_t slots = 1024) {
    LiveState live;
    live.free_ports = Extents(ports);
    live.free_endpoints = Extents(endpoints);
    live.free_slots = Extents(slots);
    live.endpoint_generations.resize(endpoints);
    live.vip_capacity = 64;
    live.pattern_capacity = 64;
    return live;
}

DesiredPort port(const std::string& name, const std::vector<std::string>& vips,
                 const std::vector<std::pair<std::string, std::uint32_t>>& endpoints) {
    DesiredPort made;
    made.name = name;
    for (const auto& vip : vips)
        made.vips.push_back({*Addr::parse(vip), 80});
    for (const auto& [addr, weight] : endpoints)
        made.endpoints.push_back({*Addr::parse(addr), 8080, weight});
    return made;
}

DesiredState desired(const std::vector<DesiredPort>& ports) {
    DesiredState state;
    for (const auto& p : ports)
        state.ports.emplace(p.name, p);
    return state;
}

template <typename Op>
std::size_t count(const Plan& plan) {
    return static_cast<std::size_t>(
        std::count_if(plan.operations.begin(), plan.operations.end(),
                      [](const Operation& op) { return std::holds_alternative<Op>(op); }));
}

template <typename Op>
std::ptrdiff_t place(const Plan& plan) {
    return std::find_if(plan.operations.begin(), plan.operations.end(),
                        [](const Operation& op) { return std::holds_alternative<Op>(op); }) -
           plan.operations.begin();
}

TEST(Plan, ANewServiceIsPublishedBeforeItsAddressLeadsThere) {
    auto live = empty_live();
    const auto made =
        plan(live, desired({port("a:80", {"10.0.0.1"}, {{"10.1.0.1", 1}, {"10.1.0.2", 1}})}), 1);
    EXPECT_EQ(count<WriteEndpoint>(made), 2U);
    EXPECT_LT(place<WriteEndpoint>(made), place<Publish>(made));
    EXPECT_LT(place<WriteSlots>(made), place<Publish>(made));
    EXPECT_LT(place<WriteSettings>(made), place<Publish>(made));
    EXPECT_LT(place<Publish>(made), place<InsertVip>(made));
    EXPECT_TRUE(std::holds_alternative<Grace>(made.operations.back()));
}

TEST(Plan, TheSameAgainIsNothing) {
    auto live = empty_live();
    const auto wanted = desired({port("a:80", {"10.0.0.1"}, {{"10.1.0.1", 1}})});
    plan(live, wanted, 1);
    EXPECT_THAT(plan(live, wanted, 2).operations, testing::IsEmpty());
}

TEST(Plan, AWeightChangesSlotsOnly) {
    auto live = empty_live();
    plan(live, desired({port("a:80", {"10.0.0.1"}, {{"10.1.0.1", 1}, {"10.1.0.2", 1}})}), 1);
    const auto made =
        plan(live, desired({port("a:80", {"10.0.0.1"}, {{"10.1.0.1", 9}, {"10.1.0.2", 1}})}), 2);
    EXPECT_EQ(count<WriteEndpoint>(made), 0U);
    EXPECT_EQ(count<WriteSlots>(made), 1U);
    EXPECT_EQ(count<Publish>(made), 1U);
    EXPECT_EQ(made.slots_to_free.size(), 1U);
}

TEST(Plan, AnEndpointThatComesBackGetsItsRow) {
    auto live = empty_live();
    plan(live, desired({port("a:80", {"10.0.0.1"}, {{"10.1.0.1", 1}, {"10.1.0.2", 1}})}), 1);
    plan(live, desired({port("a:80", {"10.0.0.1"}, {{"10.1.0.1", 1}})}), 2);
    const auto made =
        plan(live, desired({port("a:80", {"10.0.0.1"}, {{"10.1.0.1", 1}, {"10.1.0.2", 1}})}), 3);
    EXPECT_EQ(count<WriteEndpoint>(made), 0U);
    EXPECT_EQ(count<RenewEndpoint>(made), 1U);
    EXPECT_EQ(
        count<RenewEndpoint>(plan(
            live, desired({port("a:80", {"10.0.0.1"}, {{"10.1.0.1", 1}, {"10.1.0.2", 2}})}), 4)),
        0U);
}

TEST(Plan, AMovedAddressIsNeverMissing) {
    for (const bool forward : {true, false}) {
        auto live = empty_live();
        const std::string from = forward ? "a:80" : "b:80", to = forward ? "b:80" : "a:80";
        plan(live,
             desired({port(from, {"10.0.0.1", "10.0.0.9"}, {{"10.1.0.1", 1}}),
                      port(to, {"10.0.0.2"}, {{"10.1.0.2", 1}})}),
             1);
        const auto made = plan(live,
                               desired({port(from, {"10.0.0.9"}, {{"10.1.0.1", 1}}),
                                        port(to, {"10.0.0.1", "10.0.0.2"}, {{"10.1.0.2", 1}})}),
                               2);
        EXPECT_EQ(count<MoveVip>(made), 1U);
        EXPECT_EQ(count<DeleteVip>(made), 0U);
        EXPECT_TRUE(std::holds_alternative<Grace>(
            made.operations.at(static_cast<std::size_t>(place<MoveVip>(made)) + 1)));
    }
}

// Two addresses that one bit of the filter stands for, found by trying.
std::pair<std::string, std::string> addresses_of_one_bit() {
    std::map<std::uint32_t, std::string> known;
    for (int i = 0;; i++) {
        const auto text = "10.9." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
        const auto key = Vip{*Addr::parse(text), 80}.key();
        const auto [found, fresh] = known.emplace(weir_vip_filter_bit(&key), text);
        if (!fresh)
            return {found->second, text};
    }
}

TEST(Plan, ABitOfTheFilterIsSetBeforeTheFirstAddressAndClearedAfterTheLast) {
    auto live = empty_live();
    const auto [one, two] = addresses_of_one_bit();
    const auto first = plan(live, desired({port("a:80", {one}, {{"10.1.0.1", 1}})}), 1);
    EXPECT_EQ(count<SetVipFilter>(first), 1U);
    EXPECT_LT(place<SetVipFilter>(first), place<InsertVip>(first));
    // The other one comes while the first goes: the bit stays as it is.
    const auto second = plan(live, desired({port("a:80", {two}, {{"10.1.0.1", 1}})}), 2);
    EXPECT_EQ(count<SetVipFilter>(second) + count<ClearVipFilter>(second), 0U);
    const auto third = plan(live, desired({}), 3);
    EXPECT_EQ(count<ClearVipFilter>(third), 1U);
    EXPECT_LT(place<DeleteVip>(third), place<ClearVipFilter>(third));
}

TEST(Plan, ARemovedServiceIsUnpublishedAfterItsAddressesAndAGrace) {
    auto live = empty_live();
    plan(live, desired({port("a:80", {"10.0.0.1"}, {{"10.1.0.1", 1}})}), 1);
    const auto made = plan(live, desired({}), 2);
    ASSERT_EQ(made.operations.size(), 5U);
    EXPECT_TRUE(std::holds_alternative<DeleteVip>(made.operations[0]));
    EXPECT_TRUE(std::holds_alternative<ClearVipFilter>(made.operations[1]));
    EXPECT_EQ(std::get<FlagEndpoint>(made.operations[2]).flags,
              static_cast<__u32>(WEIR_ENDPOINT_LEAVING));
    EXPECT_TRUE(std::holds_alternative<Grace>(made.operations[3]));
    EXPECT_EQ(std::get<Publish>(made.operations[4]).word, 0U);
    EXPECT_EQ(live.leaving_ports.size(), 1U);
    EXPECT_EQ(live.vip_count, 0U);
}

TEST(Plan, AServiceNeverGetsTheRowOfAnother) {
    auto live = empty_live();
    plan(live, desired({port("a:80", {"10.0.0.1"}, {{"10.1.0.1", 1}})}), 1);
    const auto made = plan(live, desired({port("z:80", {"10.0.0.1"}, {{"10.1.0.1", 1}})}), 2);
    EXPECT_EQ(live.ports.at(1).name, "z:80");
    EXPECT_EQ(count<ResetPort>(made), 1U);
    EXPECT_EQ(count<MoveVip>(made), 1U);
    EXPECT_EQ(count<DeleteVip>(made), 0U);
    EXPECT_TRUE(live.leaving_ports.contains(0));
}

// As adopted: rows and addresses, but no names.
LiveState without_names(LiveState live) {
    for (auto& [id, known] : live.ports)
        known.name.clear();
    live.port_ids.clear();
    live.workload_names.clear();
    return live;
}

TEST(Plan, AfterARestartRowsAreFoundByAddress) {
    auto live = empty_live();
    const auto wanted = desired({port("a:80", {"10.0.0.1"}, {{"10.1.0.1", 1}})});
    plan(live, wanted, 1);
    live = without_names(live);
    const auto made = plan(live, wanted, 2);
    EXPECT_EQ(count<WriteEndpoint>(made) + count<InsertVip>(made) + count<DeleteVip>(made), 0U);
    EXPECT_EQ(live.ports.at(0).name, "a:80");
}

TEST(Plan, AfterARestartNamesAreThoseOfTheMeshBefore) {
    auto live = empty_live();
    auto before = desired({port("a:80", {"10.0.0.1"}, {{"10.1.0.1", 1}}),
                           port("b:80", {"10.0.0.2"}, {{"10.1.0.2", 1}})});
    before.patterns = {{"/a*", "a"}, {"/b*", "b"}};
    plan(live, before, 1);
    live = without_names(live);
    recall_names(live, before);
    // Meanwhile everything was swapped in the directory.
    auto after = desired({port("a:80", {"10.0.0.2"}, {{"10.1.0.1", 1}}),
                          port("b:80", {"10.0.0.1"}, {{"10.1.0.2", 1}})});
    after.patterns = {{"/a*", "b"}, {"/b*", "a"}};
    const auto ids = live.workload_names;
    const auto made = plan(live, after, 2);
    EXPECT_EQ(live.ports.at(0).name, "a:80");
    EXPECT_EQ(live.ports.at(1).name, "b:80");
    EXPECT_EQ(count<MoveVip>(made), 2U);
    EXPECT_EQ(count<WriteEndpoint>(made), 0U);
    EXPECT_EQ(live.workload_names, ids);
}

TEST(Plan, WhatDoesNotFitIsRefusedAndTheOldStays) {
    auto live = empty_live(64, 8, 1024);
    plan(live, desired({port("a:80", {"10.0.0.1"}, {{"10.1.0.1", 1}})}), 1);
    std::vector<std::pair<std::string, std::uint32_t>> many;
    for (int i = 1; i <= 9; i++)
        many.emplace_back("10.1.0." + std::to_string(i), 1);
    const auto made = plan(
        live,
        desired({port("a:80", {"10.0.0.1"}, many), port("b:80", {"10.0.0.2"}, {{"10.1.1.1", 1}})}),
        2);
    ASSERT_EQ(made.refusals.size(), 1U);
    EXPECT_EQ(made.refusals[0].subject, "a:80");
    EXPECT_EQ(made.refusals[0].reason, "table weir_endpoint is full");
    EXPECT_EQ(count<InsertVip>(made), 1U);  // the other service is served
    EXPECT_EQ(count<DeleteVip>(made), 0U);
    EXPECT_EQ(live.ports.at(0).applied->endpoints.size(), 1U);
}

TEST(Plan, AddressesChangeInAFullTable) {
    auto live = empty_live();
    live.vip_capacity = 2;
    plan(live, desired({port("a:80", {"10.0.0.1", "10.0.0.2"}, {{"10.1.0.1", 1}})}), 1);
    auto made = plan(live, desired({port("a:80", {"10.0.0.1", "10.0.0.3"}, {{"10.1.0.1", 1}})}), 2);
    EXPECT_TRUE(made.refusals.empty());
    EXPECT_LT(place<DeleteVip>(made), place<InsertVip>(made));
    EXPECT_LT(place<ClearVipFilter>(made), place<SetVipFilter>(made));
    EXPECT_EQ(live.vip_count, 2U);
    // One more than fits: nothing of it happens, the endpoints included.
    const std::vector<std::string> three{"10.0.0.1", "10.0.0.3", "10.0.0.4"};
    made = plan(live, desired({port("a:80", three, {{"10.1.0.9", 1}})}), 3);
    ASSERT_EQ(made.refusals.size(), 1U);
    EXPECT_TRUE(made.operations.empty());
}

TEST(Plan, AFullServiceTableRefusesTheNewOne) {
    auto live = empty_live(1);
    const auto made =
        plan(live, desired({port("a:80", {"10.0.0.1"}, {}), port("b:80", {"10.0.0.2"}, {})}), 1);
    ASSERT_EQ(made.refusals.size(), 1U);
    EXPECT_EQ(made.refusals[0].reason, "table weir_svc_port is full");
}

TEST(Plan, PublishedRowsAreNeverWritten) {
    // Random meshes one after the other; the rule that everything rests on.
    std::mt19937 random(3);
    auto live = empty_live(64, 4096, 65536);
    std::map<std::uint32_t, std::set<std::uint32_t>> visible;  // endpoint rows by service port
    for (std::uint64_t generation = 1; generation < 300; generation++) {
        std::vector<DesiredPort> ports;
        for (int s = 0; s < 6; s++) {
            if (random() % 4 == 0)
                continue;
            std::vector<std::pair<std::string, std::uint32_t>> endpoints;
            for (unsigned e = 0; e < 20; e++)
                if (random() % 2 == 0)
                    endpoints.emplace_back(
                        "10.1." + std::to_string(s) + "." + std::to_string(e + 1),
                        1 + random() % 3);
            ports.push_back(port("s" + std::to_string(s) + ":80",
                                 {"10.0.0." + std::to_string(s + 1)}, endpoints));
        }
        const auto made = plan(live, desired(ports), generation);
        ASSERT_TRUE(made.refusals.empty());
        for (const auto& operation : made.operations)
            if (const auto* write = std::get_if<WriteEndpoint>(&operation)) {
                for (const auto& [id, rows] : visible)
                    ASSERT_FALSE(rows.contains(write->id));
            }
        visible.clear();
        for (const auto& [id, p] : live.ports)
            for (std::size_t i = 0; i < p.range.rows.size(); i++)
                if (p.range.rows[i].state != LiveEndpoint::State::kFree)
                    visible[id].insert(p.range.base + static_cast<std::uint32_t>(i));
        for (const auto& [offset, words] : made.slots_to_free)
            live.free_slots.give_back(offset, words);
        // What was left is free again at once here: no socket holds it.
        for (const auto& [id, range] : live.leaving_ranges)
            live.free_endpoints.give_back(range.base,
                                          static_cast<std::uint32_t>(range.rows.size()));
        live.leaving_ranges.clear();
        for (const auto& [id, range] : live.leaving_ports) {
            live.free_ports.give_back(id, 1);
            live.free_endpoints.give_back(range.base,
                                          static_cast<std::uint32_t>(range.rows.size()));
        }
        live.leaving_ports.clear();
    }
}

using Patterns = std::map<std::string, std::string>;  // pattern -> workload

DesiredState workloads(const Patterns& patterns) {
    DesiredState state;
    state.patterns = patterns;
    return state;
}

// Every id stands for one workload, and the names say which.
void expect_ids_are_names(const LiveState& live, const Patterns& patterns) {
    ASSERT_EQ(live.patterns.size(), patterns.size());
    for (const auto& [pattern, workload] : live.patterns)
        EXPECT_EQ(live.workload_names.at(workload.id), patterns.at(pattern)) << pattern;
}

TEST(PlanWorkloads, AnIdIsNeverShared) {
    auto live = empty_live();
    const std::vector<Patterns> meshes = {
        {{"/a*", "a"}, {"/b*", "b"}},
        {{"/a*", "b"}, {"/b*", "a"}},                // swapped
        {{"/a*", "c"}, {"/b*", "a"}},                // a pattern taken over by a new one
        {{"/a*", "c"}, {"/d*", "a"}},                // a moves on
        {{"/a*", "c"}, {"/d*", "d"}, {"/e*", "a"}},  // again, and its pattern is taken
    };
    std::map<std::string, std::uint32_t> known;
    for (const auto& mesh : meshes) {
        plan(live, workloads(mesh), 1);
        expect_ids_are_names(live, mesh);
        for (const auto& [id, name] : live.workload_names)
            EXPECT_EQ(known.emplace(name, id).first->second, id) << name;
    }
}

TEST(PlanWorkloads, AfterARestartTheKernelsIdsAreKept) {
    auto live = empty_live();
    live.patterns = {{"/a*", {3, 0, cohort_of("a")}},  // as adopted: without names
                     {"/b*", {5, 0, cohort_of("b")}}};
    live.next_workload = 6;
    const auto made = plan(live, workloads({{"/a*", "a"}, {"/b*", "b"}, {"/c*", "c"}}), 1);
    std::map<std::string, std::uint32_t> ids;
    for (const auto& [pattern, workload] : live.patterns)
        ids.emplace(pattern, workload.id);
    EXPECT_EQ(ids, (std::map<std::string, std::uint32_t>{{"/a*", 3}, {"/b*", 5}, {"/c*", 6}}));
    EXPECT_EQ(count<PutPattern>(made), 1U);
}

TEST(PlanWorkloads, AFullPatternTableRefusesTheNewOne) {
    auto live = empty_live();
    live.pattern_capacity = 1;
    const auto made = plan(live, workloads({{"/a*", "a"}, {"/b*", "b"}}), 1);
    ASSERT_EQ(made.refusals.size(), 1U);
    EXPECT_EQ(made.refusals[0].subject, "workload b");
    EXPECT_EQ(made.refusals[0].reason, "table weir_cg_prefix is full");
    EXPECT_EQ(count<PutPattern>(made), 1U);
    EXPECT_EQ(live.workload_names.size(), 1U);
}

TEST(Compile, PatternsGoToKeysAndBack) {
    for (const std::string pattern : {"/shop.slice/front*", "/shop.slice/front", "/*"})
        EXPECT_EQ(pattern_of(pattern_key(pattern)), pattern);
    EXPECT_EQ(pattern_key("/a").prefixlen, 24U);  // with its NUL
    EXPECT_EQ(pattern_key("/a*").prefixlen, 16U);
}

}  // namespace
}  // namespace weir

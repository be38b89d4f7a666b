// SPDX-License-Identifier: Apache-2.0
#include "userspace/model/plan.h"

#include <algorithm>

#include "bpf/core/vip_filter.h"
#include "userspace/model/plan_ports.h"
#include "userspace/model/subsets.h"

namespace weir {
namespace {

using State = LiveEndpoint::State;

void give_name(LiveState& live, std::uint32_t id, const std::string& name) {
    live.ports.at(id).name = name;
    live.port_ids[name] = id;
}

// A service port without a row of its name gets one without a name that its addresses lead to
// (after a restart without a saved mesh). Never another service's: its counts go with the row.
void name_by_address(LiveState& live, const DesiredState& desired) {
    for (const auto& [name, port] : desired.ports) {
        if (live.port_ids.contains(name))
            continue;
        for (const auto& vip : port.vips) {
            const auto owner = live.vip_owners.find(vip);
            if (owner == live.vip_owners.end() || !live.ports.at(owner->second).name.empty())
                continue;
            give_name(live, owner->second, name);
            break;
        }
    }
}

void insert_vip(LiveState& live, const Vip& vip, std::uint32_t id, Stages& stages) {
    const auto key = vip.key();
    const auto bit = weir_vip_filter_bit(&key);
    if (live.vip_filter.at(bit)++ == 0)
        stages.inserts.emplace_back(SetVipFilter{bit});
    stages.inserts.emplace_back(InsertVip{key, id});
    live.vip_count++;
}

void delete_vip(LiveState& live, const Vip& vip, std::vector<Operation>& operations) {
    const auto key = vip.key();
    const auto bit = weir_vip_filter_bit(&key);
    operations.emplace_back(DeleteVip{key});
    if (--live.vip_filter.at(bit) == 0)
        operations.emplace_back(ClearVipFilter{bit});
    live.vip_count--;
}

bool wants(const DesiredPort& desired, const Vip& vip) {
    return std::find(desired.vips.begin(), desired.vips.end(), vip) != desired.vips.end();
}

enum class VipRoom { kThere, kWhenOwnGo };

// Whether there is room for the addresses that a service port lacks, if need be in the place of its
// own that go.
Result<VipRoom> vip_room(const LiveState& live, const LivePort& port, const DesiredPort& desired) {
    const auto fresh = static_cast<std::uint32_t>(
        std::count_if(desired.vips.begin(), desired.vips.end(),
                      [&](const Vip& vip) { return !live.vip_owners.contains(vip); }));
    const auto leaving = static_cast<std::uint32_t>(std::count_if(
        port.vips.begin(), port.vips.end(), [&](const Vip& vip) { return !wants(desired, vip); }));
    if (live.vip_count + fresh <= live.vip_capacity)
        return VipRoom::kThere;
    if (live.vip_count - leaving + fresh <= live.vip_capacity)
        return VipRoom::kWhenOwnGo;
    return fail("table weir_vip is full");
}

// The addresses that a service port has and does not want.
void drop_vips(LiveState& live, LivePort& port, const DesiredPort& desired,
               std::vector<Operation>& operations) {
    std::erase_if(port.vips, [&](const Vip& vip) {
        if (wants(desired, vip))
            return false;
        delete_vip(live, vip, operations);
        live.vip_owners.erase(vip);
        return true;
    });
}

// Adds the addresses that a service port lacks; takes them from whoever has them.
void plan_vips(LiveState& live, std::uint32_t id, const DesiredPort& desired, Stages& stages) {
    auto& port = live.ports.at(id);
    for (const auto& vip : desired.vips) {
        if (port.vips.contains(vip))
            continue;
        const auto owner = live.vip_owners.find(vip);
        if (owner == live.vip_owners.end()) {
            insert_vip(live, vip, id, stages);
        } else {
            live.ports.at(owner->second).vips.erase(vip);
            stages.moves.emplace_back(MoveVip{vip.key(), id});
            stages.moves.emplace_back(Grace{});
        }
        port.vips.insert(vip);
        live.vip_owners[vip] = id;
    }
}

// No endpoint of a range is wanted any more; what holds its rows goes on.
void leave(LiveRange& range, Stages& stages) {
    for (std::size_t i = 0; i < range.rows.size(); i++) {
        auto& row = range.rows[i];
        if (row.state == State::kFree)
            continue;
        row.state = State::kDraining;
        if (row.flags == WEIR_ENDPOINT_LEAVING)
            continue;
        row.flags = WEIR_ENDPOINT_LEAVING;
        stages.deletes.emplace_back(
            FlagEndpoint{range.base + static_cast<std::uint32_t>(i), row.flags});
    }
}

// A service port that is wanted no more: out of sight first, its rows leave when they are let go.
void remove_port(LiveState& live, std::uint32_t id, Stages& stages, Plan& plan) {
    auto& port = live.ports.at(id);
    drop_vips(live, port, DesiredPort{}, stages.deletes);
    stages.unpublishes.emplace_back(Publish{id, 0});
    plan.slots_to_free.emplace_back(port.slots.offset,
                                    static_cast<std::uint32_t>(port.slots.words.size()));
    leave(port.range, stages);
    for (auto& left : live.leaving_ranges)
        if (left.svc_port == id)
            leave(left.range, stages);
    live.leaving_ports.emplace(id, std::move(port.range));
    live.port_ids.erase(port.name);
    live.draining_ports.erase(id);
    live.ports.erase(id);
}

Result<std::uint32_t> new_port(LiveState& live, const std::string& name, std::uint64_t generation,
                               Stages& stages) {
    const auto id = live.free_ports.take(1);
    if (!id)
        return fail("table weir_svc_port is full");
    live.ports[*id].born = static_cast<std::uint32_t>(generation);
    give_name(live, *id, name);
    stages.rows.emplace_back(ResetPort{*id});
    return *id;
}

// Which id each workload has: the one of its name, else, after a restart, the one that its pattern
// has in the kernel, unless somebody else has that id by name; else a new one.
std::map<std::string, std::uint32_t> workload_ids(LiveState& live, const DesiredState& desired) {
    std::map<std::string, std::uint32_t> by_name, ids;
    std::set<std::uint32_t> taken;
    for (const auto& [id, name] : live.workload_names)
        by_name.emplace(name, id);
    for (const auto& [pattern, name] : desired.patterns)
        if (const auto known = by_name.find(name); known != by_name.end()) {
            ids.emplace(name, known->second);
            taken.insert(known->second);
        }
    for (const auto& [pattern, name] : desired.patterns) {
        const auto known = live.patterns.find(pattern);
        if (known != live.patterns.end() && !live.workload_names.contains(known->second.id) &&
            !ids.contains(name) && taken.insert(known->second.id).second)
            ids.emplace(name, known->second.id);
    }
    for (const auto& [pattern, name] : desired.patterns)
        if (!ids.contains(name))
            ids.emplace(name, live.next_workload++);
    return ids;
}

// What each pattern is to stand for, by name of the workload; "" for what is left alone.
std::map<std::string, std::pair<std::string, weir_workload>> wanted_patterns(
    LiveState& live, const DesiredState& desired) {
    const auto ids = workload_ids(live, desired);
    std::map<std::string, std::pair<std::string, weir_workload>> wanted;
    for (const auto& [pattern, name] : desired.patterns) {
        const auto mode = desired.workload_modes.find(name);
        wanted[pattern] = {name,
                           {ids.at(name),
                            mode == desired.workload_modes.end() ? __u16{WEIR_MODE_STEER}
                                                                 : static_cast<__u16>(mode->second),
                            cohort_of(name)}};
    }
    for (const auto& pattern : desired.excluded)
        wanted[pattern] = {"", {WEIR_WORKLOAD_UNKNOWN, WEIR_MODE_OFF, 0}};
    return wanted;
}

void plan_patterns(LiveState& live, const DesiredState& desired, Stages& stages, Plan& plan) {
    const auto wanted = wanted_patterns(live, desired);
    live.workload_names.clear();
    for (const auto& [pattern, entry] : wanted) {
        const auto& [name, workload] = entry;
        const auto known = live.patterns.find(pattern);
        if (known == live.patterns.end() && live.patterns.size() >= live.pattern_capacity) {
            plan.refusals.push_back({name.empty() ? "exclude " + pattern : "workload " + name,
                                     "table weir_cg_prefix is full"});
            continue;
        }
        if (!name.empty())
            live.workload_names[workload.id] = name;
        if (known != live.patterns.end() && same(known->second, workload))
            continue;
        stages.rows.emplace_back(PutPattern{pattern, workload});
        live.patterns[pattern] = workload;
        plan.patterns_changed = true;
    }
    std::erase_if(live.patterns, [&](const auto& entry) {
        if (wanted.contains(entry.first))
            return false;
        stages.deletes.emplace_back(DeletePattern{entry.first});
        plan.patterns_changed = true;
        return true;
    });
}

std::vector<std::uint32_t> not_wanted(const LiveState& live, const DesiredState& desired,
                                      const std::map<std::uint32_t, const DesiredPort*>& wanted) {
    std::vector<std::uint32_t> ids;
    if (desired.removed) {
        for (const auto& name : *desired.removed)
            if (const auto known = live.port_ids.find(name); known != live.port_ids.end())
                ids.push_back(known->second);
        return ids;
    }
    for (const auto& [id, port] : live.ports)
        if (!wanted.contains(id))
            ids.push_back(id);
    return ids;
}

// Endpoints, slots, settings and new addresses of one service port: all of it, or nothing.
Status plan_one(LiveState& live, std::uint32_t id, const DesiredPort& desired,
                std::uint64_t generation, Stages& stages, Plan& plan) {
    auto& port = live.ports.at(id);
    WEIR_TRY(const VipRoom room, vip_room(live, port, desired));
    WEIR_CHECK(plan_port(live, id, desired, generation, stages, plan));
    if (room == VipRoom::kWhenOwnGo)
        drop_vips(live, port, desired, stages.early);
    plan_vips(live, id, desired, stages);
    return {};
}

std::vector<Operation> in_order(Stages& stages) {
    const bool removes =
        !stages.deletes.empty() || !stages.publishes.empty() || !stages.unpublishes.empty();
    std::vector<Operation> all = std::move(stages.early);
    for (auto* stage :
         {&stages.rows, &stages.publishes, &stages.inserts, &stages.moves, &stages.deletes}) {
        if (all.empty()) {  // the rows are by far the most, and are not copied
            all = std::move(*stage);
            continue;
        }
        std::move(stage->begin(), stage->end(), std::back_inserter(all));
        stage->clear();
    }
    if (removes)
        all.emplace_back(Grace{});
    std::move(stages.unpublishes.begin(), stages.unpublishes.end(), std::back_inserter(all));
    return all;
}

}  // namespace

void recall_names(LiveState& live, const DesiredState& before) {
    std::map<Vip, const std::string*> owners;
    for (const auto& [name, port] : before.ports)
        for (const auto& vip : port.vips)
            owners.emplace(vip, &name);
    for (auto& [id, port] : live.ports)
        for (const auto& vip : port.vips)
            if (const auto owner = owners.find(vip); port.name.empty() && owner != owners.end())
                give_name(live, id, *owner->second);
    for (const auto& [pattern, workload] : live.patterns)
        if (const auto known = before.patterns.find(pattern); known != before.patterns.end())
            live.workload_names.emplace(workload.id, known->second);
}

Plan plan(LiveState& live, const DesiredState& desired, std::uint64_t generation) {
    Plan made;
    Stages stages;
    if (!desired.same_workloads)
        plan_patterns(live, desired, stages, made);
    name_by_address(live, desired);
    std::map<std::uint32_t, const DesiredPort*> wanted;  // nullptr: refused, stays as it was
    for (const auto& [name, port] : desired.ports) {
        const auto known = live.port_ids.find(name);
        Result<std::uint32_t> id = known == live.port_ids.end()
                                       ? new_port(live, name, generation, stages)
                                       : Result<std::uint32_t>(known->second);
        const Status done = id ? plan_one(live, *id, port, generation, stages, made)
                               : Status(tl::unexpected(id.error()));
        if (!done)
            made.refusals.push_back({name, done.error().message});
        if (id)
            wanted.emplace(*id, done ? &port : nullptr);
    }
    // Only now: an address may have moved to a service port further down, and a bit of the filter
    // that is set for an insert must not be cleared after it.
    for (const auto& [id, port] : wanted)
        if (port != nullptr)
            drop_vips(live, live.ports.at(id), *port, stages.deletes);
    for (const auto id : not_wanted(live, desired, wanted))
        remove_port(live, id, stages, made);
    made.operations = in_order(stages);
    live.generation = generation;
    return made;
}

}  // namespace weir

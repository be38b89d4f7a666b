// SPDX-License-Identifier: Apache-2.0
#include "userspace/reconcile/adopt.h"

#include <algorithm>
#include <atomic>

#include "bpf/core/published.h"
#include "bpf/core/vip_filter.h"
#include "maps/grace.h"
#include "maps/mapped_row.h"
#include "userspace/model/subset_records.h"

namespace weir {
namespace {

using State = LiveEndpoint::State;

// Marks the rows that are wanted: those that the published slots lead to (an endpoint may have
// turns in the schedule of its family, or of its subset, only), and others that have not left:
// their weight is 0, or a plan that stopped half way has not come to them, as the next one will.
void hold_wanted_rows(LivePort& port) {
    for (auto& row : port.range.rows)
        if (row.state == State::kDraining && row.flags != WEIR_ENDPOINT_LEAVING)
            row.state = State::kHeld;
    const auto hold = [&](std::uint32_t index) {
        if (index < port.range.rows.size())
            port.range.rows[index].state = State::kHeld;
    };
    for (const auto& set : {port.settings.both, port.settings.v4, port.settings.v6})
        for (const auto index : indices_in(port.settings, set, port.slots.words))
            hold(index);
    for (const auto reach : {WEIR_REACH_V4, WEIR_REACH_V6, WEIR_REACH_BOTH})
        for (const auto& subset : subsets_in(port.settings, reach, port.slots.words))
            std::for_each(subset.whole.begin(), subset.whole.end(), hold);
}

void read_range(const Tables& tables, std::uint32_t id, LiveRange& range) {
    for (std::size_t i = 0; i < range.rows.size(); i++) {
        const auto& row = tables.endpoint[range.base + static_cast<std::uint32_t>(i)];
        if (row.generation == 0 || row.svc_port != id)
            continue;
        range.rows[i] = {Addr(row.addr), ntohs(row.port), State::kDraining, row.flags};
    }
}

void adopt_port(const Tables& tables, LiveState& live, std::uint32_t id) {
    const auto& row = tables.svc_port[id];
    const auto word = MmapArray<weir_svc_port>::load_word(row.published);
    if (word == 0)
        return;
    const auto published = weir_published_decode(word);
    const auto& settings = row.settings[published.settings];
    const auto words = settings.words;
    LivePort port;
    port.born = settings.born;
    const bool sane = published.offset + std::uint64_t{words} <= tables.slot.size() &&
                      live.free_ports.take_at(id, 1);
    if (!sane)
        return;
    if (live.free_endpoints.take_at(settings.endpoint_base, settings.endpoint_capacity)) {
        port.range.base = settings.endpoint_base;
        port.range.rows.resize(settings.endpoint_capacity);
    }
    if (live.free_slots.take_at(published.offset, words)) {
        port.published = word;
        port.settings = settings;
        port.slots.offset = published.offset;
        port.slots.words.assign(&tables.slot[published.offset],
                                &tables.slot[published.offset] + words);
    }
    read_range(tables, id, port.range);
    if (port.published != 0)
        hold_wanted_rows(port);
    if (has_draining_rows(port.range))
        live.draining_ports.insert(id);
    live.ports.emplace(id, std::move(port));
}

Result<bool> row_is_held(const Tables& tables, std::uint32_t id) {
    WEIR_TRY(const auto state, tables.ep_state.find(id));
    return state && state->active != 0;
}

// Rows outside every range that a socket still holds, or that do not look left yet: a range that
// was left before the restart.
Status adopt_left_rows(const Tables& tables, LiveState& live) {
    for (std::uint32_t id = 0; id < tables.endpoint.size(); id++) {
        const auto& row = tables.endpoint[id];
        if (row.generation != 0) {
            live.endpoint_generations.resize(id + 1);
            live.endpoint_generations[id] = row.generation;
        }
        if (row.generation == 0 || !live.free_endpoints.take_at(id, 1))
            continue;
        WEIR_TRY(const bool held, row_is_held(tables, id));
        if (!held && row.flags == WEIR_ENDPOINT_LEAVING) {
            live.free_endpoints.give_back(id, 1);
            live.freed_rows[id] = row.generation;  // it may have been let go while no agent was
            continue;
        }
        LiveRange range{id, {{Addr(row.addr), ntohs(row.port), State::kDraining, row.flags}}};
        if (!live.ports.contains(row.svc_port) && live.free_ports.take_at(row.svc_port, 1))
            live.leaving_ports.emplace(row.svc_port, LiveRange{});
        live.leaving_ranges.push_back({row.svc_port, std::move(range)});
    }
    return {};
}

// The first row that is held of those that an endpoint had before, as `moved_from` has them.
Result<__u32> held_before(const Tables& tables, __u32 moved_from) {
    for (std::uint32_t moves = 0; moved_from != 0 && moves < tables.endpoint.size(); moves++) {
        WEIR_TRY(const auto state, tables.ep_state.find(moved_from - 1));
        if (!state || state->active != 0)
            return state ? moved_from : 0;
        moved_from = state->moved_from;
    }
    return moved_from;
}

bool is_same_endpoint(const weir_endpoint& a, const weir_endpoint& b) {
    return a.svc_port == b.svc_port && a.port == b.port && Addr(a.addr) == Addr(b.addr);
}

// Rows that endpoints had before they moved, while sockets hold them; others are forgotten. Free
// rows still say what they had: nothing counts by it.
Status adopt_moved_rows(const Tables& tables, LiveState& live) {
    for (std::uint32_t id = 0; id < live.endpoint_generations.size(); id++) {
        WEIR_TRY(const auto state, tables.ep_state.find(id));
        if (!state || state->moved_from == 0 || live.freed_rows.contains(id))
            continue;
        WEIR_TRY(auto from, held_before(tables, state->moved_from));
        if (from != 0 && !is_same_endpoint(tables.endpoint[from - 1], tables.endpoint[id]))
            from = 0;
        if (from != 0)
            live.moved_rows[from - 1] = id;
        if (from == state->moved_from)
            continue;
        WEIR_TRY(auto row, MappedRow<weir_ep_state>::map(tables.ep_state.fd(), id));
        std::atomic_ref<__u32>(row->moved_from).store(from);
    }
    return {};
}

Status adopt_patterns(const Tables& tables, LiveState& live) {
    WEIR_TRY(const auto patterns, tables.cg_prefix.keys());
    std::uint32_t highest = 0;
    for (const auto& key : patterns) {
        WEIR_TRY(const auto workload, tables.cg_prefix.find(key));
        if (!workload)
            continue;
        live.patterns.emplace(pattern_of(key), *workload);
        highest = std::max(highest, workload->id);
    }
    WEIR_TRY(const auto info, map_info(tables.cg_prefix.fd()));
    live.pattern_capacity = info.max_entries;
    WEIR_TRY(const auto edges, tables.edge.rows());
    for (const auto& [key, edge] : edges)
        if (key.workload != WEIR_WORKLOAD_DEPARTED)
            highest = std::max(highest, key.workload);
    WEIR_TRY(const auto unmanaged, tables.unmanaged.keys());
    for (const auto& key : unmanaged)
        highest = std::max(highest, key.workload);
    live.next_workload = highest + 1;
    return {};
}

}  // namespace

Result<LiveState> adopt(const Tables& tables) {
    wait_for_grace_period();
    LiveState live;
    live.generation = tables.node[0].generation;
    live.free_ports = Extents(tables.svc_port.size());
    live.free_endpoints = Extents(tables.endpoint.size());
    live.free_slots = Extents(tables.slot.size());
    for (std::uint32_t id = 0; id < tables.svc_port.size(); id++)
        adopt_port(tables, live, id);
    WEIR_CHECK(adopt_left_rows(tables, live));
    WEIR_CHECK(adopt_moved_rows(tables, live));
    WEIR_TRY(const auto vips, tables.vip.rows());
    for (const auto& [key, vip] : vips) {
        // A service port that cannot be read still owns its addresses: the next plan moves them.
        if (!live.ports.contains(vip.svc_port))
            live.free_ports.take_at(vip.svc_port, 1);
        live.ports[vip.svc_port].vips.insert(Vip::from_key(key));
        live.vip_owners.emplace(Vip::from_key(key), vip.svc_port);
        live.vip_filter[weir_vip_filter_bit(&key)]++;
    }
    live.vip_count = static_cast<std::uint32_t>(vips.size());
    WEIR_TRY(const auto info, map_info(tables.vip.fd()));
    live.vip_capacity = info.max_entries;
    WEIR_CHECK(adopt_patterns(tables, live));
    return live;
}

}  // namespace weir

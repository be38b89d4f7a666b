// SPDX-License-Identifier: Apache-2.0
#include "userspace/reconcile/tidy.h"

#include <algorithm>
#include <set>

#include "loader/run_program.h"

namespace weir {
namespace {

using State = LiveEndpoint::State;

Result<bool> is_held(const Tables& tables, std::uint32_t row) {
    WEIR_TRY(const auto state, tables.ep_state.find(row));
    return state && state->active != 0;
}

// Frees the draining rows that no socket holds; true when none of the range is in use any more.
Result<bool> free_rows(const Tables& tables, LiveState& live, LiveRange& range) {
    bool empty = true;
    for (std::size_t i = 0; i < range.rows.size(); i++) {
        auto& row = range.rows[i];
        const auto id = range.base + static_cast<std::uint32_t>(i);
        if (row.state == State::kHeld)
            empty = false;
        if (row.state != State::kDraining)
            continue;
        WEIR_TRY(const bool held, is_held(tables, id));
        if (held) {
            empty = false;
            continue;
        }
        row = {};
        live.freed_rows[id] = live.endpoint_generations.at(id);
    }
    return empty;
}

Status tidy_ranges(const Tables& tables, LiveState& live) {
    for (auto id = live.draining_ports.begin(); id != live.draining_ports.end();) {
        auto& range = live.ports.at(*id).range;
        WEIR_CHECK(free_rows(tables, live, range));
        id = has_draining_rows(range) ? std::next(id) : live.draining_ports.erase(id);
    }
    for (auto leaving = live.leaving_ranges.begin(); leaving != live.leaving_ranges.end();) {
        WEIR_TRY(const bool empty, free_rows(tables, live, leaving->range));
        if (!empty) {
            ++leaving;
            continue;
        }
        live.free_endpoints.give_back(leaving->range.base,
                                      static_cast<std::uint32_t>(leaving->range.rows.size()));
        leaving = live.leaving_ranges.erase(leaving);
    }
    return {};
}

// Service ports that nothing leads to and nobody holds; their ids are free after their edges went.
Result<std::set<std::uint32_t>> ports_that_left(const Tables& tables, LiveState& live) {
    std::set<std::uint32_t> gone;
    for (auto& [id, range] : live.leaving_ports) {
        WEIR_TRY(const bool empty, free_rows(tables, live, range));
        const bool has_ranges = std::any_of(
            live.leaving_ranges.begin(), live.leaving_ranges.end(),
            [port = id](const LeavingRange& leaving) { return leaving.svc_port == port; });
        if (empty && !has_ranges)
            gone.insert(id);
    }
    return gone;
}

// One pass over all edges. What was left before this start is looked for once, with Edges::kAll.
Status tidy_edges(Tables& tables, const LiveState& live, int fold, Edges edges,
                  const std::set<std::uint32_t>& gone) {
    WEIR_TRY(const auto rows, tables.edge.rows());
    for (const auto& [key, edge] : rows) {
        const bool left = gone.contains(key.svc_port) ||
                          (edges == Edges::kAll && !live.ports.contains(key.svc_port) &&
                           !live.leaving_ports.contains(key.svc_port));
        if (left) {
            WEIR_CHECK(tables.edge.erase(key));
            continue;
        }
        const auto freed = live.freed_rows.find(key.endpoint);
        if (freed != live.freed_rows.end() && key.generation <= freed->second)
            WEIR_CHECK(run_program(fold, &key, sizeof(key), "fold an edge"));
    }
    return {};
}

}  // namespace

Status tidy(Tables& tables, LiveState& live, int fold, Edges edges) {
    WEIR_CHECK(tidy_ranges(tables, live));
    WEIR_TRY(const auto gone, ports_that_left(tables, live));
    if (edges == Edges::kAll || !live.freed_rows.empty() || !gone.empty())
        WEIR_CHECK(tidy_edges(tables, live, fold, edges, gone));
    live.freed_rows.clear();
    for (const auto id : gone) {
        const auto& range = live.leaving_ports.at(id);
        live.free_endpoints.give_back(range.base, static_cast<std::uint32_t>(range.rows.size()));
        live.free_ports.give_back(id, 1);
        live.leaving_ports.erase(id);
    }
    return {};
}

}  // namespace weir

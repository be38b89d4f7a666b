// SPDX-License-Identifier: Apache-2.0
#include "userspace/reconcile/tidy.h"

#include <arpa/inet.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "loader/run_program.h"
#include "maps/mapped_row.h"
#include "userspace/reconcile/table_writer.h"

namespace weir {
namespace {

using State = LiveEndpoint::State;

Result<bool> is_held(const Tables& tables, std::uint32_t row) {
    WEIR_TRY(const auto state, tables.ep_state.find(row));
    return state && state->active != 0;
}

// Nobody holds a row that an endpoint had before it moved: its row now has nothing to do with it.
Status forget_row(const Tables& tables, LiveState& live, std::uint32_t id) {
    WEIR_TRY(auto freed, MappedRow<weir_ep_state>::map(tables.ep_state.fd(), id));
    const auto moved = live.moved_rows.find(id);
    if (moved == live.moved_rows.end()) {
        std::atomic_ref<__u32>(freed->moved_from).store(0);  // its own rows before
        return {};
    }
    WEIR_TRY(auto now, MappedRow<weir_ep_state>::map(tables.ep_state.fd(), moved->second));
    const auto before = std::atomic_ref<__u32>(freed->moved_from).load();
    if (before != 0)  // the one before that is still held
        live.moved_rows[before - 1] = moved->second;
    auto expected = id + 1;  // the row may have another endpoint meanwhile
    std::atomic_ref<__u32>(now->moved_from).compare_exchange_strong(expected, before);
    std::atomic_ref<__u32>(freed->moved_from).store(0);
    live.moved_rows.erase(id);
    return {};
}

// Whether clients with affinity, and whoever looks through the range, are still led there: a row of
// an endpoint that has another one now. Not after this.
Result<bool> hide(Tables& tables, Mirror& mirror, std::uint32_t id, LiveEndpoint& row) {
    if (row.flags == WEIR_ENDPOINT_LEAVING)
        return false;
    WEIR_TRY(const auto done, carry_out(tables, mirror, {FlagEndpoint{id, WEIR_ENDPOINT_LEAVING}}));
    row.flags = WEIR_ENDPOINT_LEAVING;
    row.hidden = true;
    return done != 0;
}

// Frees the draining rows that no socket holds; true when none of the range is in use any more.
Result<bool> free_rows(Tables& tables, Mirror& mirror, LiveState& live, LiveRange& range) {
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
            row.hidden = false;
        } else {
            WEIR_TRY(const bool was_open, hide(tables, mirror, id, row));
            if (!was_open) {
                WEIR_CHECK(forget_row(tables, live, id));
                row = {};
                live.freed_rows[id] = live.endpoint_generations.at(id);
                continue;
            }
        }
        empty = false;
    }
    return empty;
}

Status tidy_ranges(Tables& tables, Mirror& mirror, LiveState& live) {
    for (auto id = live.draining_ports.begin(); id != live.draining_ports.end();) {
        auto& range = live.ports.at(*id).range;
        WEIR_CHECK(free_rows(tables, mirror, live, range));
        id = has_draining_rows(range) ? std::next(id) : live.draining_ports.erase(id);
    }
    for (auto leaving = live.leaving_ranges.begin(); leaving != live.leaving_ranges.end();) {
        WEIR_TRY(const bool empty, free_rows(tables, mirror, live, leaving->range));
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
Result<std::set<std::uint32_t>> ports_that_left(Tables& tables, Mirror& mirror, LiveState& live) {
    std::set<std::uint32_t> gone;
    for (auto& [id, range] : live.leaving_ports) {
        WEIR_TRY(const bool empty, free_rows(tables, mirror, live, range));
        const bool has_ranges = std::any_of(
            live.leaving_ranges.begin(), live.leaving_ranges.end(),
            [port = id](const LeavingRange& leaving) { return leaving.svc_port == port; });
        if (empty && !has_ranges)
            gone.insert(id);
    }
    return gone;
}

bool has_left(const LiveState& live, Edges edges, const std::set<std::uint32_t>& gone,
              std::uint32_t svc_port) {
    return gone.contains(svc_port) || (edges == Edges::kAll && !live.ports.contains(svc_port) &&
                                       !live.leaving_ports.contains(svc_port));
}

std::set<std::uint32_t> workloads_of(const LiveState& live) {
    std::set<std::uint32_t> ids{WEIR_WORKLOAD_UNKNOWN, WEIR_WORKLOAD_DEPARTED};
    for (const auto& [pattern, workload] : live.patterns)
        ids.insert(workload.id);
    return ids;
}

// By row, as far as any has ever been used.
std::vector<bool> rows_in_use(const LiveState& live) {
    std::vector<bool> rows(live.endpoint_generations.size());
    const auto add = [&](const LiveRange& range) {
        for (std::size_t i = 0; i < range.rows.size() && range.base + i < rows.size(); i++)
            if (range.rows[i].state != State::kFree)
                rows[range.base + i] = true;
    };
    for (const auto& [id, port] : live.ports)
        add(port.range);
    for (const auto& [id, range] : live.leaving_ports)
        add(range);
    for (const auto& left : live.leaving_ranges)
        add(left.range);
    return rows;
}

// Where an edge goes on: endpoints that left are one for each caller, and callers that left are one
// for all; an endpoint whose rows moved, since its service outgrew them, has its counts in the new
// one.
class Folder {
  public:
    Folder(const Tables& tables, const LiveState& live, Edges edges)
        : tables_(tables),
          live_(live),
          all_(edges == Edges::kAll),
          workloads_(workloads_of(live)),
          rows_in_use_(all_ ? rows_in_use(live) : std::vector<bool>()) {}

    std::optional<weir_edge_key> into(const weir_edge_key& key, std::uint64_t active) {
        const auto port = live_.ports.find(key.svc_port);
        if (port == live_.ports.end())
            return std::nullopt;
        weir_edge_key into{key.workload, key.svc_port, WEIR_LEFT_ENDPOINTS, port->second.born};
        if (all_ && active == 0 && !workloads_.contains(key.workload)) {
            into.workload = WEIR_WORKLOAD_DEPARTED;
            return into;
        }
        if (!is_freed(key, active))
            return std::nullopt;
        if (const auto row = row_of_same(key, port->second.range)) {
            into.endpoint = *row;
            into.generation = live_.endpoint_generations.at(*row);
        }
        return into;
    }

  private:
    // Of a row that has been freed; or long ago, and a connection that was just ending came after.
    bool is_freed(const weir_edge_key& key, std::uint64_t active) const {
        const auto freed = live_.freed_rows.find(key.endpoint);
        if (freed != live_.freed_rows.end())
            return key.generation <= freed->second;
        return active == 0 && key.endpoint < rows_in_use_.size() &&
               (key.generation < live_.endpoint_generations[key.endpoint] ||
                !rows_in_use_[key.endpoint]);
    }

    using Place = std::pair<Addr, std::uint16_t>;

    // The row that the endpoint of a freed one has now.
    std::optional<std::uint32_t> row_of_same(const weir_edge_key& key, const LiveRange& range) {
        const auto& old = tables_.endpoint[key.endpoint];
        if (old.generation != key.generation || old.svc_port != key.svc_port)
            return std::nullopt;
        const auto [held, is_new] = held_.try_emplace(key.svc_port);
        for (std::size_t i = 0; is_new && i < range.rows.size(); i++)
            if (const auto& row = range.rows[i]; row.state == State::kHeld)
                held->second.emplace(Place(row.addr, row.port),
                                     range.base + static_cast<std::uint32_t>(i));
        const auto found = held->second.find(Place(Addr(old.addr), ntohs(old.port)));
        return found == held->second.end() ? std::nullopt : std::optional(found->second);
    }

    const Tables& tables_;
    const LiveState& live_;
    bool all_;
    std::set<std::uint32_t> workloads_;
    std::vector<bool> rows_in_use_;                                 // of Edges::kAll only
    std::map<std::uint32_t, std::map<Place, std::uint32_t>> held_;  // by service port
};

Status fold_into(int fold, const weir_edge_key& key, const weir_edge_key& into) {
    const weir_fold_request request{key, into};
    return run_program(fold, &request, sizeof(request), "fold an edge");
}

// One pass over all edges, and then over times that have none.
Status tidy_edges(Tables& tables, const LiveState& live, int fold, Edges edges,
                  const std::set<std::uint32_t>& gone) {
    Folder folder(tables, live, edges);
    WEIR_TRY(const auto rows, tables.edge.rows());
    for (const auto& [key, edge] : rows) {
        if (has_left(live, edges, gone, key.svc_port)) {
            WEIR_CHECK(tables.edge.erase(key));
        } else if (const auto into = folder.into(key, edge.active)) {
            WEIR_CHECK(fold_into(fold, key, *into));
        }
    }
    if (edges != Edges::kAll)
        return {};
    WEIR_TRY(const auto timed, tables.latency.keys());
    for (const auto& key : timed) {
        const auto into = folder.into(key, 0);
        if (!into)
            continue;
        WEIR_TRY(const auto edge, tables.edge.find(key));
        if (!edge)
            WEIR_CHECK(fold_into(fold, key, *into));
    }
    return {};
}

// Of service ports that left, or that nothing knows.
Status erase_latencies(Tables& tables, const LiveState& live, Edges edges,
                       const std::set<std::uint32_t>& gone) {
    if (gone.empty() && edges != Edges::kAll)
        return {};
    WEIR_TRY(const auto keys, tables.latency.keys());
    for (const auto& key : keys)
        if (has_left(live, edges, gone, key.svc_port))
            WEIR_CHECK(tables.latency.erase(key));
    return {};
}

}  // namespace

Status tidy(Tables& tables, Mirror& mirror, LiveState& live, int fold, Edges edges) {
    WEIR_CHECK(tidy_ranges(tables, mirror, live));
    WEIR_TRY(const auto gone, ports_that_left(tables, mirror, live));
    if (edges == Edges::kAll || !live.freed_rows.empty() || !gone.empty())
        WEIR_CHECK(tidy_edges(tables, live, fold, edges, gone));
    WEIR_CHECK(erase_latencies(tables, live, edges, gone));
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

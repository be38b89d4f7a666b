// SPDX-License-Identifier: Apache-2.0
#include "userspace/model/plan_ports.h"

#include <algorithm>
#include <cstring>

#include "bpf/core/consistent_hash.h"
#include "bpf/core/published.h"
#include "userspace/model/slots.h"

namespace weir {
namespace {

constexpr std::size_t kRangeStep = 4;
constexpr __u32 kSecondNs = 1'000'000'000;
using State = LiveEndpoint::State;

std::uint16_t flags_of(const DesiredEndpoint& endpoint) {
    return endpoint.weight == 0 ? WEIR_ENDPOINT_DRAINED : 0;
}

// Rows in use by what they hold.
std::map<std::pair<Addr, std::uint16_t>, std::uint16_t> rows_in_use(const LiveRange& range) {
    std::map<std::pair<Addr, std::uint16_t>, std::uint16_t> rows;
    for (std::size_t i = 0; i < range.rows.size(); i++)
        if (const auto& row = range.rows[i]; row.state != State::kFree)
            rows.emplace(std::pair(row.addr, row.port), static_cast<std::uint16_t>(i));
    return rows;
}

// Room for growth, so that a rollout of half as many new endpoints fits beside the old ones, and of
// as many where there are few. A service that outgrows its range gets another one.
std::uint32_t capacity_for(std::size_t endpoints) {
    const auto spare = std::max(endpoints / 2, std::min(endpoints, kRangeStep));
    const auto wanted = std::max<std::size_t>(endpoints + spare, 1);
    return static_cast<std::uint32_t>(
        std::min<std::size_t>((wanted + kRangeStep - 1) / kRangeStep * kRangeStep, WEIR_INDEX_MAX));
}

struct Assignment {
    LiveRange range;
    std::vector<std::uint16_t> rows;      // parallel to the desired endpoints
    std::vector<std::uint16_t> fresh;     // rows to be written
    std::vector<std::uint16_t> returned;  // rows whose endpoints had left, and are still held
    bool new_range = false;
};

// Endpoints keep the rows they have, draining ones come back to theirs; nullopt: the range is full.
std::optional<Assignment> assign_rows(LiveRange range, const DesiredPort& desired) {
    Assignment made{.range = std::move(range), .rows = {}, .fresh = {}, .returned = {}};
    const auto before = made.range.rows;
    for (auto& row : made.range.rows)
        if (row.state == State::kHeld)
            row.state = State::kDraining;
    const auto in_use = rows_in_use(made.range);
    for (const auto& endpoint : desired.endpoints) {
        const auto known = in_use.find({endpoint.addr, endpoint.port});
        made.rows.push_back(known == in_use.end() ? 0 : known->second);
        if (known != in_use.end()) {
            made.range.rows[known->second].state = State::kHeld;
            if (before[known->second].state == State::kDraining)
                made.returned.push_back(known->second);
        } else
            made.fresh.push_back(static_cast<std::uint16_t>(made.rows.size() - 1));
    }
    std::size_t next = 0;
    for (auto& entry : made.fresh) {
        while (next < made.range.rows.size() && made.range.rows[next].state != State::kFree)
            next++;
        if (next == made.range.rows.size())
            return std::nullopt;
        const auto& endpoint = desired.endpoints[entry];
        made.range.rows[next] = {endpoint.addr, endpoint.port, State::kHeld, flags_of(endpoint)};
        made.rows[entry] = static_cast<std::uint16_t>(next);
        entry = static_cast<std::uint16_t>(next);
    }
    return made;
}

Result<Assignment> assign(LiveState& live, const LivePort& port, const DesiredPort& desired) {
    if (auto kept = assign_rows(port.range, desired))
        return std::move(*kept);
    if (desired.endpoints.size() > WEIR_INDEX_MAX)
        return fail("more than " + std::to_string(WEIR_INDEX_MAX) + " endpoints");
    LiveRange range;
    const auto capacity = capacity_for(desired.endpoints.size());
    const auto base = live.free_endpoints.take(capacity);
    if (!base)
        return fail("table weir_endpoint is full");
    range.base = *base;
    range.rows.resize(capacity);
    auto made = std::move(*assign_rows(std::move(range), desired));
    made.new_range = true;
    return made;
}

std::uint64_t seed_of(const DesiredEndpoint& endpoint) {
    const auto addr = endpoint.addr.raw();
    return weir_endpoint_seed(&addr, htons(endpoint.port));
}

std::vector<WeightedIndex> weighted(const Assignment& made, const DesiredPort& desired) {
    std::vector<WeightedIndex> entries;
    for (std::size_t i = 0; i < made.rows.size(); i++)
        if (desired.endpoints[i].weight > 0)
            entries.push_back({made.rows[i], desired.endpoints[i].weight,
                               desired.endpoints[i].addr.is_v4(), seed_of(desired.endpoints[i]),
                               desired.endpoints[i].subsets, desired.endpoints[i].near});
    std::sort(entries.begin(), entries.end(),
              [](const WeightedIndex& a, const WeightedIndex& b) { return a.index < b.index; });
    return entries;
}

// As the kernel's table holds it.
weir_endpoint endpoint_row(const LiveEndpoint& endpoint, std::uint32_t svc_port,
                           std::uint32_t generation) {
    return {endpoint.addr.raw(), htons(endpoint.port), endpoint.flags, 0, svc_port, generation};
}

// A row where a service port has, or had, an endpoint, and whether it was wanted there until now.
struct RowBefore {
    std::uint32_t id;
    bool wanted;
};

using RowsBefore = std::map<std::pair<Addr, std::uint16_t>, std::vector<RowBefore>>;

// All that sockets may still hold, by what they hold, the one that was its own last first.
RowsBefore rows_before(const LiveState& live, std::uint32_t svc_port) {
    RowsBefore found;
    const auto look = [&](const LiveRange& range, bool is_own) {
        for (std::size_t i = 0; i < range.rows.size(); i++)
            if (const auto& row = range.rows[i]; row.state != State::kFree)
                found[{row.addr, row.port}].push_back({range.base + static_cast<std::uint32_t>(i),
                                                       is_own && row.state == State::kHeld});
    };
    look(live.ports.at(svc_port).range, true);
    for (auto left = live.leaving_ranges.rbegin(); left != live.leaving_ranges.rend(); ++left)
        if (left->svc_port == svc_port)
            look(left->range, false);
    return found;
}

// Counts of the rows that an endpoint had are its new row's, too, and clients that keep it follow.
WriteEndpoint moved_in(LiveState& live, std::uint32_t row_id, const weir_endpoint& row,
                       const RowsBefore& all, Stages& stages) {
    const auto before = all.find({Addr(row.addr), ntohs(row.port)});
    if (before == all.end())
        return {row_id, row};
    const auto& last = before->second.front();
    live.moved_rows[last.id] = row_id;
    for (const auto& one : before->second)
        stages.deletes.emplace_back(MoveEndpoint{one.id, row_id, one.wanted});
    return {row_id, row, last.id, !last.wanted};
}

// Rows of a new range that have no endpoint yet may still show one that they had before: to who
// looks through the range it would be one more of the service.
void clear_unused(const LiveState& live, const Assignment& made, Stages& stages) {
    for (std::size_t i = made.fresh.size(); i < made.range.rows.size(); i++) {
        const auto row_id = made.range.base + static_cast<std::uint32_t>(i);
        if (row_id < live.endpoint_generations.size() && live.endpoint_generations[row_id] != 0)
            stages.rows.emplace_back(FlagEndpoint{row_id, WEIR_ENDPOINT_LEAVING});
    }
}

void write_endpoints(LiveState& live, std::uint32_t id, const Assignment& made, Stages& stages) {
    if (made.new_range)
        clear_unused(live, made, stages);
    const auto before = made.fresh.empty() ? RowsBefore() : rows_before(live, id);
    for (const auto index : made.fresh) {
        const auto row_id = made.range.base + index;
        if (row_id >= live.endpoint_generations.size())
            live.endpoint_generations.resize(row_id + 1);
        const auto generation = ++live.endpoint_generations[row_id];
        const auto& endpoint = made.range.rows[index];
        stages.rows.emplace_back(
            moved_in(live, row_id, endpoint_row(endpoint, id, generation), before, stages));
    }
    for (const auto index : made.returned)
        stages.rows.emplace_back(RenewEndpoint{made.range.base + index});
}

// The range that was outgrown stays until no socket holds a row of it.
void replace_range(LiveState& live, std::uint32_t id, LivePort& port, LiveRange range) {
    if (port.range.base != range.base && !port.range.rows.empty()) {
        for (auto& row : port.range.rows)
            if (row.state == State::kHeld)
                row.state = State::kDraining;
        live.leaving_ranges.push_back({id, std::move(port.range)});
    }
    port.range = std::move(range);
}

// What flows and clients with affinity are to know of an endpoint, in whichever of the service
// port's rows they found it.
void flag_endpoints(LiveState& live, std::uint32_t id, const DesiredPort& desired, Stages& stages) {
    std::map<std::pair<Addr, std::uint16_t>, std::uint16_t> wanted;
    for (const auto& endpoint : desired.endpoints)
        wanted.emplace(std::pair(endpoint.addr, endpoint.port), flags_of(endpoint));
    const auto flag = [&](LiveRange& range) {
        for (std::size_t i = 0; i < range.rows.size(); i++) {
            auto& row = range.rows[i];
            const auto found = wanted.find({row.addr, row.port});
            const auto flags =
                found == wanted.end() ? std::uint16_t{WEIR_ENDPOINT_LEAVING} : found->second;
            if (row.state == State::kFree || row.flags == flags ||
                (row.hidden && row.state == State::kDraining))
                continue;
            row.flags = flags;
            row.hidden = false;
            (flags != 0 ? stages.deletes : stages.rows)
                .emplace_back(FlagEndpoint{range.base + static_cast<std::uint32_t>(i), flags});
        }
    };
    flag(live.ports.at(id).range);
    for (auto& left : live.leaving_ranges)
        if (left.svc_port == id)
            flag(left.range);
}

// Limits of connections hold for those only whose end is seen.
__u16 flags_of(const DesiredPort& desired) {
    const bool limited = desired.limits.connections != 0 || desired.limits.per_endpoint != 0;
    return static_cast<__u16>((desired.counts_datagrams ? WEIR_SVC_COUNTS_DATAGRAMS : 0) |
                              (desired.has_subsets ? WEIR_SVC_HAS_SUBSETS : 0) |
                              (desired.udp ? WEIR_SVC_UDP : 0) |
                              (desired.subset_by_workload ? WEIR_SVC_SUBSET_BY_WORKLOAD : 0) |
                              (limited ? WEIR_SVC_NEEDS_TRACKING : 0));
}

weir_svc_settings settings_of(const LivePort& port, const Assignment& made,
                              const DesiredPort& desired, const SlotPlan& slots) {
    weir_svc_settings settings{};
    settings.endpoint_base = made.range.base;
    settings.endpoint_capacity = static_cast<__u32>(made.range.rows.size());
    settings.born = port.born;
    settings.algorithm = slots.algorithm;
    settings.flags = flags_of(desired);
    settings.affinity_s = desired.affinity_s;
    settings.slow_start_ms = desired.slow_start_ms;
    if (desired.events_every)
        settings.events_every =
            *desired.events_every == 0 ? WEIR_EVENTS_NONE : *desired.events_every;
    settings.eject_after = desired.outliers.consecutive_failures;
    settings.eject_percent = desired.outliers.max_percent;
    settings.eject_ms = desired.outliers.base_ms;
    settings.answer_ms = desired.outliers.answer_ms.value_or(0);
    settings.min_in_percent = desired.outliers.min_in_percent;
    settings.fail_percent = desired.outliers.fail_percent;
    settings.fail_least = desired.outliers.fail_percent == 0 ? 0 : desired.outliers.fail_least;
    settings.window_ms = desired.outliers.fail_percent == 0 ? 0 : desired.outliers.window_ms;
    settings.max_connections = desired.limits.connections;
    settings.max_per_endpoint = desired.limits.per_endpoint;
    settings.rate_interval_ns =
        desired.limits.per_second == 0 ? 0 : kSecondNs / desired.limits.per_second;
    settings.rate_burst = desired.limits.burst;
    settings.connect_ms = desired.timeouts.connect_ms;
    settings.tcp_user_ms = desired.timeouts.tcp_user_ms;
    settings.idle_ms = desired.timeouts.idle_ms;
    settings.keepalive_time_s = static_cast<__u16>(desired.timeouts.keepalive_time_s);
    settings.keepalive_interval_s = static_cast<__u16>(desired.timeouts.keepalive_interval_s);
    settings.keepalive_probes = static_cast<__u16>(desired.timeouts.keepalive_probes);
    settings.mode = static_cast<__u32>(desired.mode);
    settings.both = slots.both;
    settings.v4 = slots.v4;
    settings.v6 = slots.v6;
    settings.subsets = slots.subsets;
    settings.words = static_cast<__u32>(slots.words.size());
    return settings;
}

bool same(const weir_svc_settings& a, const weir_svc_settings& b) {
    return std::memcmp(&a, &b, sizeof(a)) == 0;  // it has no padding
}

}  // namespace

Status plan_port(LiveState& live, std::uint32_t id, const DesiredPort& desired,
                 std::uint64_t generation, Stages& stages, Plan& plan) {
    LivePort& port = live.ports.at(id);
    if (port.applied && *port.applied == desired)
        return {};
    WEIR_TRY(Assignment made, assign(live, port, desired));
    const auto entries = weighted(made, desired);
    SlotPlan slots = plan_slots(desired.algorithm, entries);
    add_subsets(desired.subsets, entries, slots);
    const auto settings = settings_of(port, made, desired, slots);
    const auto published = weir_published_decode(port.published);
    const bool unchanged = port.published != 0 && made.fresh.empty() &&
                           same(settings, port.settings) && slots.words == port.slots.words;
    if (!unchanged) {
        const auto offset = live.free_slots.take(static_cast<std::uint32_t>(slots.words.size()));
        if (!offset) {
            if (made.new_range)
                live.free_endpoints.give_back(made.range.base, settings.endpoint_capacity);
            return fail("table weir_slot is full");
        }
        write_endpoints(live, id, made, stages);
        if (!slots.words.empty())
            stages.rows.emplace_back(WriteSlots{*offset, slots.words});
        const std::uint32_t which = port.published == 0 ? 0 : 1 - published.settings;
        stages.rows.emplace_back(WriteSettings{id, which, settings});
        const auto word = weir_published_encode(*offset, which, generation);
        stages.publishes.emplace_back(Publish{id, word});
        plan.slots_to_free.emplace_back(port.slots.offset,
                                        static_cast<std::uint32_t>(port.slots.words.size()));
        port.slots = {*offset, slots.words};
        port.settings = settings;
        port.published = word;
    }
    replace_range(live, id, port, std::move(made.range));
    flag_endpoints(live, id, desired, stages);
    if (has_draining_rows(port.range))
        live.draining_ports.insert(id);
    port.applied = desired;
    return {};
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/health.h"

#include <arpa/inet.h>

#include <algorithm>

#include "bpf/core/failure_rate.h"
#include "bpf/core/health.h"
#include "bpf/core/least_latency.h"
#include "maps/clock.h"
#include "userspace/model/endpoint_rows.h"
#include "userspace/observe/views/names.h"

namespace weir {
namespace {

double seconds(std::uint64_t from_ns, std::uint64_t to_ns) {
    return to_ns > from_ns ? static_cast<double>(to_ns - from_ns) / 1e9 : 0;
}

std::string reason_of(const weir_ep_state& state, const weir_svc_settings& settings) {
    const bool udp = (settings.flags & WEIR_SVC_UDP) != 0;
    const std::string failed = udp ? " requests failed" : " connects failed";
    const bool resets = !udp && state.resets > state.failures;
    const auto in_a_row = resets ? state.resets : state.failures;
    if (in_a_row < settings.eject_after &&
        weir_fails_too_often(state.window, settings.fail_percent, settings.fail_least) != 0)
        return std::to_string(weir_window_failures(state.window)) + " of " +
               std::to_string(weir_window_connects(state.window)) + failed;
    return std::to_string(in_a_row) + (resets ? " connections reset before a byte" : failed);
}

Ejection ejection_of(const weir_ep_state& state, const weir_svc_settings& settings,
                     std::uint64_t now) {
    if (state.held_until_ns > now)
        return {
            "ejected", "by hand", seconds(state.changed_ns, now), seconds(now, state.held_until_ns),
            false,     true};
    const bool out = now < state.ejected_until_ns;
    return {out ? "ejected" : "half-open", reason_of(state, settings),
            seconds(state.changed_ns, now), seconds(now, state.ejected_until_ns)};
}

// The clock by which the kernel looks at the endpoints of a service port.
std::uint64_t clock_of(const Tables& tables, std::uint32_t svc_port, std::uint64_t now) {
    const auto* settings = settings_in_force(tables, svc_port);
    if (settings == nullptr)
        return WEIR_HEALTH_ALL_DUE;
    const auto load = MmapArray<weir_svc_port>::load_word;
    return weir_health_clock(settings->eject_after, load(tables.node[0].detection_off_until_ns),
                             load(tables.svc_port[svc_port].held_until_ns), now);
}

// Calls `each` with the row and the state of those that are not in.
template <typename Each>
Status each_ejected(const Tables& tables, std::uint32_t svc_port, std::uint64_t now,
                    const Each& each) {
    const auto clock = clock_of(tables, svc_port, now);
    if (clock == WEIR_HEALTH_ALL_DUE)
        return {};
    WEIR_TRY(const auto endpoints, endpoint_states(tables, svc_port));
    for (const auto& [id, state] : endpoints)
        if (weir_health_at(state.ejected_until_ns, state.held_until_ns, clock) != WEIR_HEALTH_IN)
            each(tables.endpoint[id], state);
    return {};
}

// As the kernel has it (bpf/health_clock.bpf.h): those that are out by hand are not counted at all.
Result<bool> too_few_are_in(const Tables& tables, std::uint32_t svc_port,
                            const weir_svc_settings& settings, std::uint64_t now) {
    std::uint32_t total = 0, out = 0;
    if (settings.min_in_percent == 0)
        return false;
    WEIR_TRY(const auto endpoints, endpoint_states(tables, svc_port));
    for (const auto& [id, state] : endpoints) {
        if (state.held_until_ns > now || tables.endpoint[id].flags != 0)
            continue;
        total++;
        out += state.ejected_until_ns != 0 ? 1 : 0;
    }
    return weir_too_few_are_in(out, total, settings.min_in_percent) != 0;
}

// Also by the rows that the endpoint had before (bpf/active.bpf.h).
Result<std::uint64_t> active_of(const Tables& tables, const weir_ep_state& state) {
    auto active = state.active;
    auto from = state.moved_from;
    for (int i = 0; i < WEIR_ROWS_BEFORE_MOST && from != 0; i++) {
        WEIR_TRY(const auto before, tables.ep_state.find(from - 1));
        if (!before)
            break;
        active += before->active;
        from = before->moved_from;
    }
    return active;
}

}  // namespace

Result<std::map<std::string, Ejection>> ejections_of(const Tables& tables, std::uint32_t svc_port) {
    std::map<std::string, Ejection> found;
    const auto now = monotonic_ns();
    const auto* settings = settings_in_force(tables, svc_port);
    if (settings == nullptr)
        return found;
    WEIR_TRY(const auto panics, too_few_are_in(tables, svc_port, *settings, now));
    WEIR_CHECK(each_ejected(tables, svc_port, now,
                            [&](const weir_endpoint& endpoint, const weir_ep_state& state) {
                                auto& ejection = found[endpoint_str(endpoint)];
                                ejection = ejection_of(state, *settings, now);
                                ejection.used = panics && !ejection.by_hand;
                            }));
    WEIR_TRY(const auto endpoints, endpoint_states(tables, svc_port));
    if (found.size() == endpoints.size())
        for (auto& [endpoint, ejection] : found)
            ejection.used = is_used_when_all_are_out(ejection, found);
    return found;
}

bool is_used_when_all_are_out(const Ejection& ejection,
                              const std::map<std::string, Ejection>& all) {
    return !ejection.by_hand ||
           std::all_of(all.begin(), all.end(), [](const auto& one) { return one.second.by_hand; });
}

Result<std::optional<std::uint64_t>> full_service(const Tables& tables, std::uint32_t svc_port) {
    const auto* settings = settings_in_force(tables, svc_port);
    if (settings == nullptr || settings->max_connections == 0)
        return std::nullopt;
    WEIR_TRY(const auto state, tables.svc_state.find(svc_port));
    if (!state || static_cast<std::int64_t>(state->active) < settings->max_connections)
        return std::nullopt;
    return std::optional(std::uint64_t{state->active});
}

Result<std::map<std::string, double>> answer_times_of(const Tables& tables,
                                                      std::uint32_t svc_port) {
    std::map<std::string, double> found;
    WEIR_TRY(const auto endpoints, endpoint_states(tables, svc_port));
    for (const auto& [id, state] : endpoints)
        if (weir_latency_is_known(state.latency_word))
            found[endpoint_str(tables.endpoint[id])] = weir_latency_us(state.latency_word) / 1e6;
    return found;
}

Result<std::map<std::string, std::uint64_t>> full_endpoints(const Tables& tables,
                                                            std::uint32_t svc_port) {
    std::map<std::string, std::uint64_t> found;
    const auto* settings = settings_in_force(tables, svc_port);
    if (settings == nullptr || settings->max_per_endpoint == 0)
        return found;
    WEIR_TRY(const auto endpoints, endpoint_states(tables, svc_port));
    for (const auto& [id, state] : endpoints) {
        WEIR_TRY(const auto active, active_of(tables, state));
        if (static_cast<std::int64_t>(active) >= settings->max_per_endpoint)
            found[endpoint_str(tables.endpoint[id])] = active;
    }
    return found;
}

Result<std::map<std::string, double>> held_endpoints(const Tables& tables, std::uint32_t svc_port,
                                                     std::uint64_t now_ns) {
    std::map<std::string, double> found;
    if (MmapArray<weir_svc_port>::load_word(tables.svc_port[svc_port].held_until_ns) <= now_ns)
        return found;
    WEIR_TRY(const auto endpoints, endpoint_states(tables, svc_port));
    for (const auto& [id, state] : endpoints)
        if (state.held_until_ns > now_ns)
            found[endpoint_str(tables.endpoint[id])] = seconds(now_ns, state.held_until_ns);
    return found;
}

Result<std::uint32_t> ejected_endpoints(const Tables& tables) {
    std::uint32_t ejected = 0;
    const auto now = monotonic_ns();
    for (std::uint32_t id = 0; id < tables.svc_port.size(); id++) {
        if (clock_of(tables, id, now) == WEIR_HEALTH_ALL_DUE)
            continue;
        bool was_any_out = tables.svc_port[id].held_until_ns > now;
        if (!was_any_out) {
            WEIR_TRY(const auto state, tables.svc_state.find(id));
            was_any_out = state && state->ejections != 0;
        }
        if (was_any_out)
            WEIR_CHECK(each_ejected(tables, id, now, [&](const auto&, const auto&) { ejected++; }));
    }
    return ejected;
}

}  // namespace weir

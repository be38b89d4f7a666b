// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/health.h"

#include <arpa/inet.h>

#include <algorithm>

#include "bpf/core/health.h"
#include "bpf/core/least_latency.h"
#include "bpf/core/published.h"
#include "maps/clock.h"
#include "userspace/observe/views/names.h"

namespace weir {
namespace {

double seconds(std::uint64_t from_ns, std::uint64_t to_ns) {
    return to_ns > from_ns ? static_cast<double>(to_ns - from_ns) / 1e9 : 0;
}

std::string reason_of(const weir_ep_state& state) {
    const bool resets = state.resets > state.failures;
    return std::to_string(std::max(state.resets, state.failures)) +
           (resets ? " connections reset before a byte" : " connects failed");
}

Ejection ejection_of(const weir_ep_state& state, std::uint64_t now) {
    const bool out = weir_health_at(state.ejected_until_ns, now) == WEIR_HEALTH_OUT;
    return {out ? "ejected" : "half-open", reason_of(state), seconds(state.changed_ns, now),
            seconds(now, state.ejected_until_ns)};
}

// The settings of a service port that is in the kernel; nullptr.
const weir_svc_settings* settings_of(const weir_svc_port& row) {
    const auto word = MmapArray<weir_svc_port>::load_word(row.published);
    return word == 0 ? nullptr : &row.settings[weir_published_decode(word).settings & 1];
}

// Calls `each` with the row and the state of all endpoints.
template <typename Each>
Status each_endpoint(const Tables& tables, std::uint32_t svc_port,
                     const weir_svc_settings* settings, const Each& each) {
    if (settings == nullptr)
        return {};
    for (std::uint32_t i = 0; i < settings->endpoint_capacity; i++) {
        const std::uint32_t id = settings->endpoint_base + i;
        if (id >= tables.endpoint.size())
            break;
        const auto& endpoint = tables.endpoint[id];
        if (endpoint.svc_port != svc_port || endpoint.generation == 0 || endpoint.flags != 0)
            continue;
        WEIR_TRY(const auto state, tables.ep_state.find(id));
        if (state && state->generation == endpoint.generation)
            each(endpoint, *state);
    }
    return {};
}

template <typename Each>
Status each_ejected(const Tables& tables, std::uint32_t svc_port, const Each& each) {
    const auto* settings = settings_of(tables.svc_port[svc_port]);
    if (settings == nullptr || settings->eject_after == 0)
        return {};
    return each_endpoint(tables, svc_port, settings,
                         [&](const weir_endpoint& endpoint, const weir_ep_state& state) {
                             if (state.ejected_until_ns != 0)
                                 each(endpoint, state);
                         });
}

std::string name_of(const weir_endpoint& endpoint) {
    return endpoint_str(Addr(endpoint.addr), ntohs(endpoint.port));
}

}  // namespace

Result<std::map<std::string, Ejection>> ejections_of(const Tables& tables, std::uint32_t svc_port) {
    std::map<std::string, Ejection> found;
    const auto now = monotonic_ns();
    WEIR_CHECK(each_ejected(tables, svc_port,
                            [&](const weir_endpoint& endpoint, const weir_ep_state& state) {
                                found[name_of(endpoint)] = ejection_of(state, now);
                            }));
    return found;
}

Result<std::map<std::string, double>> answer_times_of(const Tables& tables,
                                                      std::uint32_t svc_port) {
    std::map<std::string, double> found;
    WEIR_CHECK(each_endpoint(tables, svc_port, settings_of(tables.svc_port[svc_port]),
                             [&](const weir_endpoint& endpoint, const weir_ep_state& state) {
                                 if (weir_latency_is_known(state.latency_word))
                                     found[name_of(endpoint)] =
                                         weir_latency_us(state.latency_word) / 1e6;
                             }));
    return found;
}

Result<std::uint32_t> ejected_endpoints(const Tables& tables) {
    std::uint32_t ejected = 0;
    for (std::uint32_t id = 0; id < tables.svc_port.size(); id++) {
        const auto* settings = settings_of(tables.svc_port[id]);
        if (settings == nullptr || settings->eject_after == 0)
            continue;
        WEIR_TRY(const auto state, tables.svc_state.find(id));
        if (state && state->ejections != 0)
            WEIR_CHECK(each_ejected(tables, id, [&](const auto&, const auto&) { ejected++; }));
    }
    return ejected;
}

}  // namespace weir

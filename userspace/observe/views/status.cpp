// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/status.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "bpf/core/published.h"
#include "maps/clock.h"
#include "maps/reason_names.h"
#include "userspace/observe/views/health.h"

namespace weir {
namespace {

double seconds_since(std::uint64_t then_ns) {
    const auto now = monotonic_ns();
    return then_ns == 0 ? -1 : now < then_ns ? 0 : static_cast<double>(now - then_ns) / 1e9;
}

template <typename K, typename V>
Result<Fill> fill_of(const BpfMap<K, V>& map) {
    WEIR_TRY(const auto info, map_info(map.fd()));
    WEIR_TRY(const auto keys, map.keys());
    return Fill{map.name(), keys.size(), info.max_entries};
}

Result<std::vector<Fill>> fills(const Tables& tables) {
    Fill ports{"weir_svc_port", 0, tables.svc_port.size()};
    Fill endpoints{"weir_endpoint", 0, tables.endpoint.size()};
    Fill slots{"weir_slot", 0, tables.slot.size()};
    for (std::uint32_t id = 0; id < tables.svc_port.size(); id++) {
        const auto word = MmapArray<weir_svc_port>::load_word(tables.svc_port[id].published);
        if (word == 0)
            continue;
        const auto published = weir_published_decode(word);
        const auto& settings = tables.svc_port[id].settings[published.settings];
        ports.used++;
        endpoints.used += settings.endpoint_capacity;
        slots.used += settings.words;
    }
    WEIR_TRY(const Fill vips, fill_of(tables.vip));
    WEIR_TRY(const Fill edges, fill_of(tables.edge));
    WEIR_TRY(const Fill latencies, fill_of(tables.latency));
    WEIR_TRY(const Fill cgroups, fill_of(tables.cgroup));
    WEIR_TRY(const Fill patterns, fill_of(tables.cg_prefix));
    return std::vector<Fill>{vips, ports, endpoints, slots, edges, latencies, cgroups, patterns};
}

}  // namespace

std::string upkeep_str(const UpkeepView& view) {
    return view.task + ": " + view.undone + ": " + view.error;
}

Result<StatusView> status_view(const Tables& tables, const Snapshot& snapshot, const Names& names,
                               std::vector<HookView> hooks, const AgentFacts* agent) {
    const auto& node = tables.node[0];
    const auto load = MmapArray<weir_node>::load_word;  // the agent's loop writes meanwhile
    StatusView view;
    view.agentRunning = agent != nullptr;
    view.agentPid = load(node.agent_pid);
    view.heartbeatAgeSeconds = seconds_since(load(node.heartbeat_ns));
    view.generation = load(node.generation);
    view.publishedAgoSeconds = seconds_since(load(node.generation_ns));
    view.meshDigest = digest_str(load(node.mesh_digest));
    view.relinked = load(node.relinked);
    view.repaired = load(node.repaired);
    view.services = static_cast<std::uint32_t>(snapshot.services.size());
    view.workloads = static_cast<std::uint32_t>(snapshot.workloads.size());
    for (const auto& service : snapshot.services) {
        view.servicePorts += static_cast<std::uint32_t>(service->ports.size());
        view.endpoints += static_cast<std::uint32_t>(service->endpoints.size());
    }
    view.hooks = std::move(hooks);
    view.mode = mode_name(static_cast<Mode>(load(node.mode)));
    WEIR_TRY(view.switches, switch_views(tables, names, monotonic_ns()));
    WEIR_TRY(view.ejected, ejected_endpoints(tables));
    WEIR_TRY(view.tables, fills(tables));
    WEIR_TRY(const auto reasons, tables.reasons());
    for (std::size_t i = 0; i < kReasonNames.size(); i++)
        view.reasons.push_back({std::string(kReasonNames.at(i).name), reasons.at(i),
                                std::string(kReasonNames.at(i).meaning)});
    WEIR_TRY(view.events.produced, tables.events_produced());
    view.events.delivered = load(node.events_read);
    view.events.lost = reasons.at(WEIR_REASON_EVENT_LOST) + load(node.events_passed);
    if (agent != nullptr) {
        view.agent = *agent;
        for (const auto& taken : agent->taken)
            for (auto& fill : view.tables)
                if (fill.table == taken.table)
                    fill = taken;
    }
    return view;
}

}  // namespace weir

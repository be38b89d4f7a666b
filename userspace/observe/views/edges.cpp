// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/edges.h"

#include <algorithm>
#include <tuple>

namespace weir {
namespace {

EdgeCounts counts_of(const weir_edge& edge) {
    EdgeCounts counts{edge.opened, edge.closed, edge.failed, edge.active, edge.untracked, {}};
    // The kernel counts the sum first, and is counting meanwhile.
    std::uint64_t told = 0;
    for (std::size_t i = 0; i < WEIR_FAILURES; i++)
        told += counts.failed_by.at(i) = edge.failed_by[i];
    counts.failed = std::max(counts.failed, told);
    counts.failed_by.at(WEIR_FAILURE_OTHER) = counts.failed - told;
    return counts;
}

std::string endpoint_of(const Tables& tables, const weir_edge_key& key) {
    if (key.endpoint == WEIR_NO_ENDPOINT)
        return "none";
    if (key.endpoint >= tables.endpoint.size())
        return "departed";
    const auto& row = tables.endpoint[key.endpoint];
    if (row.generation != key.generation || row.svc_port != key.svc_port)
        return "departed";
    return endpoint_str(Addr(row.addr), ntohs(row.port));
}

}  // namespace

EdgeCounts& EdgeCounts::operator+=(const EdgeCounts& other) {
    opened += other.opened;
    closed += other.closed;
    failed += other.failed;
    active += other.active;
    untracked += other.untracked;
    for (std::size_t i = 0; i < failed_by.size(); i++)
        failed_by.at(i) += other.failed_by.at(i);
    return *this;
}

Result<std::vector<EdgeView>> edge_views(const Tables& tables, const Names& names) {
    using Key = std::tuple<std::string, std::uint16_t, std::string, std::string, std::string>;
    const auto key_of = [](const ServicePortName& owner, const std::string& endpoint,
                           const std::string& workload) {
        return Key{owner.service->name, owner.port->port,
                   std::string(protocol_name(owner.port->protocol)), endpoint, workload};
    };
    std::map<Key, EdgeCounts> sums;
    WEIR_TRY(const auto keys, tables.edge.keys());
    for (const auto& key : keys) {
        const auto* owner = names.service_port(key.svc_port);
        if (owner == nullptr)
            continue;
        WEIR_TRY(const auto edge, tables.edge.find(key));
        if (edge)
            sums[key_of(*owner, endpoint_of(tables, key), names.workload(key.workload))] +=
                counts_of(*edge);
    }
    for (std::uint32_t id = 0; id < tables.svc_port.size(); id++) {
        const auto* owner = names.service_port(id);
        if (owner == nullptr)
            continue;
        WEIR_TRY(const auto state, tables.svc_state.find(id));
        if (state && state->other.opened != 0)
            sums[key_of(*owner, "other", "other")] += counts_of(state->other);
    }
    std::vector<EdgeView> views;
    views.reserve(sums.size());
    for (const auto& [key, counts] : sums)
        views.push_back({std::get<4>(key), std::get<0>(key), std::get<1>(key), std::get<2>(key),
                         std::get<3>(key), counts});
    return views;
}

}  // namespace weir

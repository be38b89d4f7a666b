// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/edges.h"

#include <tuple>

namespace weir {
namespace {

EdgeCounts counts_of(const weir_edge& edge) {
    return {edge.opened, edge.closed, edge.failed, edge.active, edge.untracked};
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

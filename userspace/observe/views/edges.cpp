// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/edges.h"

#include <algorithm>
#include <tuple>

#include "userspace/model/endpoint_rows.h"

namespace weir {
namespace {

EdgeCounts counts_of(const weir_edge& edge) {
    EdgeCounts counts{edge.opened,
                      edge.closed,
                      edge.failed,
                      edge.active,
                      edge.untracked,
                      {},
                      edge.bytes_sent,
                      edge.bytes_received,
                      edge.retransmits,
                      edge.resets_sent,
                      edge.resets_received,
                      edge.datagrams_sent,
                      edge.datagrams_received};
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
    return endpoint_str(row);
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
    bytes_sent += other.bytes_sent;
    bytes_received += other.bytes_received;
    retransmits += other.retransmits;
    resets_sent += other.resets_sent;
    resets_received += other.resets_received;
    datagrams_sent += other.datagrams_sent;
    datagrams_received += other.datagrams_received;
    return *this;
}

namespace {

// Sums by what an operator sees of an edge: rows of one name are one.
class Sums {
  public:
    EdgeView& at(const ServicePortName& owner, const std::string& endpoint,
                 const std::string& workload) {
        const std::string protocol(protocol_name(owner.port->protocol));
        auto& view = sums_[{owner.service->name, owner.port->port, protocol, endpoint, workload}];
        if (view.service.empty())
            view = {workload, owner.service->name, owner.port->port, protocol, endpoint, {}};
        return view;
    }
    std::vector<EdgeView> take() {
        std::vector<EdgeView> views;
        views.reserve(sums_.size());
        for (auto& [key, view] : sums_)
            views.push_back(std::move(view));
        return views;
    }

  private:
    std::map<std::tuple<std::string, std::uint16_t, std::string, std::string, std::string>,
             EdgeView>
        sums_;
};

Status add_edges(const Tables& tables, const Names& names, Sums& sums) {
    WEIR_TRY(const auto keys, tables.edge.keys());
    for (const auto& key : keys) {
        const auto* owner = names.service_port(key.svc_port);
        if (owner == nullptr)
            continue;
        WEIR_TRY(const auto edge, tables.edge.find(key));
        if (edge)
            sums.at(*owner, endpoint_of(tables, key), names.workload(key.workload)).counts +=
                counts_of(*edge);
    }
    return {};
}

// What found no room.
Status add_others(const Tables& tables, const Names& names, Sums& sums) {
    for (std::uint32_t id = 0; id < tables.svc_port.size(); id++) {
        const auto* owner = names.service_port(id);
        if (owner == nullptr)
            continue;
        WEIR_TRY(const auto state, tables.svc_state.find(id));
        if (state && state->other.opened != 0)
            sums.at(*owner, "other", "other").counts += counts_of(state->other);
    }
    return {};
}

Status add_latencies(const Tables& tables, const Names& names, Sums& sums) {
    WEIR_TRY(const auto keys, tables.latency.keys());
    for (const auto& key : keys) {
        const auto* owner = names.service_port(key.svc_port);
        if (owner == nullptr)
            continue;
        WEIR_TRY(const auto row, tables.latency.find(key));
        if (!row)
            continue;
        sums.at(*owner, endpoint_of(tables, key), names.workload(key.workload)).latencies +=
            Latencies::of(*row);
    }
    return {};
}

}  // namespace

Result<std::vector<EdgeView>> edge_views(const Tables& tables, const Names& names) {
    Sums sums;
    WEIR_CHECK(add_edges(tables, names, sums));
    WEIR_CHECK(add_others(tables, names, sums));
    WEIR_CHECK(add_latencies(tables, names, sums));
    return sums.take();
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include "userspace/model/compile.h"

#include <algorithm>
#include <cstring>

#include "userspace/model/answers.h"
#include "userspace/model/subsets.h"

namespace weir {

weir_vip_key Vip::key() const {
    return {addr.raw(), htons(port), protocol, 0};
}

Vip Vip::from_key(const weir_vip_key& key) {
    return {Addr(key.addr), ntohs(key.port), key.proto};
}

std::uint8_t protocol_number(Protocol protocol) {
    return protocol == Protocol::kUdp ? WEIR_PROTO_UDP : WEIR_PROTO_TCP;
}

std::string service_port_name(const std::string& service, const Port& port) {
    return service + ":" + port_number_str(port.port, port.protocol);
}

namespace {

// A service without subsets whose endpoints are told apart by their zones has one of all.
std::vector<DesiredSubset> subsets_of(const Service& service, bool by_zone) {
    std::vector<DesiredSubset> subsets;
    for (const auto& subset : service.subsets)
        subsets.push_back({subset.name, subset.weight});
    if (subsets.empty() && by_zone)
        subsets.push_back({});
    return subsets;
}

std::vector<DesiredEndpoint> endpoints_of(const Service& service, std::uint16_t port, bool by_zone,
                                          const std::string& zone) {
    std::vector<DesiredEndpoint> endpoints;
    endpoints.reserve(service.endpoints.size());
    const bool in_one = service.subsets.empty() && by_zone;
    for (const auto& endpoint : service.endpoints)
        endpoints.push_back({endpoint.addr, port,
                             takes_connections(endpoint, service.subsets) ? endpoint.weight : 0,
                             in_one ? 1 : subsets_of(endpoint, service.subsets),
                             by_zone && endpoint.zone == zone});
    std::sort(endpoints.begin(), endpoints.end());
    return endpoints;
}

void compile_service(const Service& service, const std::string& zone,
                     std::map<std::string, DesiredPort>& ports) {
    const bool by_zone = tells_zones_apart(service, zone);
    for (const auto& port : service.ports) {
        DesiredPort row;
        row.name = service_port_name(service.name, port);
        static_cast<ServiceSettings&>(row) = service;
        row.udp = port.protocol == Protocol::kUdp;
        row.counts_datagrams = row.counts_datagrams && row.udp;
        row.outliers.answer_ms = answer_ms_of(service, port);
        for (const auto& address : service.addresses)
            row.vips.push_back({address.addr, port.port, protocol_number(port.protocol)});
        row.endpoints = endpoints_of(service, port.target_port, by_zone, zone);
        row.subsets = subsets_of(service, by_zone);
        row.has_subsets = !service.subsets.empty();
        std::sort(row.vips.begin(), row.vips.end());
        ports.emplace(row.name, std::move(row));
    }
}

void compile_workloads(const Named<Workload>& workloads, DesiredState& desired) {
    for (const auto& workload : workloads) {
        desired.patterns.emplace(workload->cgroup, workload->name);
        if (workload->mode != Mode::kSteer)
            desired.workload_modes.emplace(workload->name, workload->mode);
    }
}

}  // namespace

DesiredState compile(const Snapshot& snapshot, const std::string& zone) {
    DesiredState desired;
    for (const auto& service : snapshot.services)
        compile_service(*service, zone, desired.ports);
    compile_workloads(snapshot.workloads, desired);
    return desired;
}

DesiredState compile_changes(const Snapshot& before, const Snapshot& after,
                             const std::string& zone) {
    DesiredState desired;
    desired.removed.emplace();
    for_each_difference(before.services, after.services, [&](const Service* a, const Service* b) {
        if (b != nullptr)
            compile_service(*b, zone, desired.ports);
        if (a == nullptr)
            return;
        for (const auto& port : a->ports)
            if (auto name = service_port_name(a->name, port); !desired.ports.contains(name))
                desired.removed->push_back(std::move(name));
    });
    desired.same_workloads = before.workloads == after.workloads;
    if (!desired.same_workloads)
        compile_workloads(after.workloads, desired);
    return desired;
}

weir_cg_prefix pattern_key(const std::string& pattern) {
    weir_cg_prefix key{};
    const bool prefix = !pattern.empty() && pattern.back() == '*';
    const std::size_t length =
        std::min<std::size_t>(prefix ? pattern.size() - 1 : pattern.size(), sizeof(key.path) - 1);
    std::memcpy(key.path, pattern.data(), length);
    key.prefixlen = static_cast<__u32>(8 * (prefix ? length : length + 1));
    return key;
}

std::string pattern_of(const weir_cg_prefix& key) {
    const std::size_t length = key.prefixlen / 8;
    const std::string text(key.path, std::min(length, sizeof(key.path)));
    if (!text.empty() && text.back() == '\0')
        return text.substr(0, text.size() - 1);
    return text + "*";
}

}  // namespace weir

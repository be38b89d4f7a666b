// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/names.h"

#include "userspace/model/compile.h"

namespace weir {

Result<Names> Names::read(const Tables& tables, const Snapshot& snapshot) {
    Names names;
    WEIR_TRY(const auto vips, tables.vip.rows());
    std::map<Vip, std::uint32_t> rows;
    for (const auto& [key, vip] : vips)
        rows.emplace(Vip::from_key(key), vip.svc_port);
    for (const auto& service : snapshot.services)
        for (const auto& port : service->ports)
            for (const auto& address : service->addresses) {
                const auto row =
                    rows.find({address.addr, port.port, protocol_number(port.protocol)});
                if (row == rows.end())
                    continue;
                names.service_ports_.emplace(row->second, ServicePortName{service.get(), &port});
                names.ids_.emplace(service_port_name(service->name, port), row->second);
            }
    WEIR_TRY(const auto patterns, tables.cg_prefix.keys());
    std::map<std::string, std::string> by_pattern;
    for (const auto& workload : snapshot.workloads)
        by_pattern.emplace(workload->cgroup, workload->name);
    for (const auto& key : patterns) {
        WEIR_TRY(const auto workload, tables.cg_prefix.find(key));
        const auto name = by_pattern.find(pattern_of(key));
        if (workload && workload->id != WEIR_WORKLOAD_UNKNOWN && name != by_pattern.end())
            names.workloads_.emplace(workload->id, name->second);
    }
    return names;
}

const ServicePortName* Names::service_port(std::uint32_t id) const {
    const auto found = service_ports_.find(id);
    return found == service_ports_.end() ? nullptr : &found->second;
}

std::optional<std::uint32_t> Names::id_of(const std::string& service, const Port& port) const {
    const auto found = ids_.find(service_port_name(service, port));
    return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

const std::string& Names::workload(std::uint32_t id) const {
    static const std::string unknown = "unknown", departed = "departed";
    const auto found = workloads_.find(id);
    if (found != workloads_.end())
        return found->second;
    return id == WEIR_WORKLOAD_UNKNOWN ? unknown : departed;
}

}  // namespace weir

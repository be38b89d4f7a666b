// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/switches.h"

#include <algorithm>

#include "bpf/core/mode.h"
#include "userspace/observe/views/health.h"

namespace weir {

Result<std::vector<SwitchView>> switch_views(const Tables& tables, const Names& names,
                                             std::uint64_t now_ns) {
    const auto left = [&](const __u64& word) {
        const auto until = MmapArray<weir_node>::load_word(word);
        return weir_is_off(until, now_ns) ? static_cast<double>(until - now_ns) / 1e9 : 0.0;
    };
    std::vector<SwitchView> views;
    if (const auto node = left(tables.node[0].off_until_ns); node > 0)
        views.push_back({"", node});
    if (const auto node = left(tables.node[0].detection_off_until_ns); node > 0)
        views.push_back({"", node, "outlierDetection"});
    std::map<std::string, double> services;  // the longest of a service's ports
    for (std::uint32_t id = 0; id < tables.svc_port.size(); id++) {
        const auto* owner = names.service_port(id);
        const auto port = owner == nullptr ? 0 : left(tables.svc_port[id].off_until_ns);
        if (port > 0)
            services[owner->service->name] = std::max(services[owner->service->name], port);
    }
    for (const auto& [name, seconds] : services)
        views.push_back({name, seconds});
    for (std::uint32_t id = 0; id < tables.svc_port.size(); id++)
        if (const auto* owner = names.service_port(id)) {
            WEIR_TRY(const auto held, held_endpoints(tables, id, now_ns));
            for (const auto& [endpoint, seconds] : held)
                views.push_back({owner->service->name, seconds, "endpoint", endpoint});
        }
    return views;
}

std::string switch_str(const SwitchView& view) {
    const std::string whose = view.service.empty() ? "this node" : view.service;
    return view.what == "endpoint"           ? "endpoint " + view.endpoint + " of " + whose
           : view.what == "outlierDetection" ? "outlier detection of " + whose
                                             : whose;
}

std::string switch_end_str(const SwitchView& view) {
    return view.what == "endpoint"           ? "weir restore " + view.service + " " + view.endpoint
           : view.what == "outlierDetection" ? "weir on outlier-detection"
           : view.service.empty()            ? "weir on"
                                             : "weir on " + view.service;
}

}  // namespace weir

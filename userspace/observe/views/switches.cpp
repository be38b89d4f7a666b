// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/switches.h"

#include <algorithm>

#include "bpf/core/mode.h"

namespace weir {

std::vector<SwitchView> switch_views(const Tables& tables, const Names& names,
                                     std::uint64_t now_ns) {
    const auto left = [&](const __u64& word) {
        const auto until = MmapArray<weir_node>::load_word(word);
        return weir_is_off(until, now_ns) ? static_cast<double>(until - now_ns) / 1e9 : 0.0;
    };
    std::vector<SwitchView> views;
    if (const auto node = left(tables.node[0].off_until_ns); node > 0)
        views.push_back({"", node});
    std::map<std::string, double> services;  // the longest of a service's ports
    for (std::uint32_t id = 0; id < tables.svc_port.size(); id++) {
        const auto* owner = names.service_port(id);
        const auto port = owner == nullptr ? 0 : left(tables.svc_port[id].off_until_ns);
        if (port > 0)
            services[owner->service->name] = std::max(services[owner->service->name], port);
    }
    for (const auto& [name, seconds] : services)
        views.push_back({name, seconds});
    return views;
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "userspace/model/checks.h"

namespace weir {

void check_workloads(const Snapshot& snapshot, Diagnostics& found) {
    std::map<std::string, const Workload*> patterns;
    std::map<Addr, const Workload*> addresses;
    for (const auto& workload : snapshot.workloads) {
        const auto& name = workload->name;
        for (const auto& address : workload->addresses)
            if (const auto [first, fresh] = addresses.emplace(address.addr, workload.get()); !fresh)
                found.error(address.origin, "address " + address.addr.str() + " of workload \"" +
                                                name + "\" is also of workload \"" +
                                                first->second->name + "\" at " +
                                                first->second->origin.str() +
                                                ": an address belongs to one workload");
        const auto [first, fresh] = patterns.emplace(workload->cgroup, workload.get());
        if (!fresh)
            found.error(workload->origin, "workload \"" + name + "\" has the cgroup pattern \"" +
                                              workload->cgroup.substr(1) + "\" of workload \"" +
                                              first->second->name + "\" at " +
                                              first->second->origin.str() +
                                              ": a cgroup belongs to one workload");
    }
}

}  // namespace weir

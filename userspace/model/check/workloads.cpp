// SPDX-License-Identifier: Apache-2.0
#include "userspace/model/checks.h"

namespace weir {

void check_workloads(const Snapshot& snapshot, Diagnostics& found) {
    std::map<std::string, const Workload*> patterns;
    for (const auto& [name, workload] : snapshot.workloads) {
        const auto [first, fresh] = patterns.emplace(workload.cgroup, &workload);
        if (!fresh)
            found.error(workload.origin, "workload \"" + name + "\" has the cgroup pattern \"" +
                                             workload.cgroup.substr(1) + "\" of workload \"" +
                                             first->second->name + "\" at " +
                                             first->second->origin.str() +
                                             ": a cgroup belongs to one workload");
    }
}

}  // namespace weir

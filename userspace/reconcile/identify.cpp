// SPDX-License-Identifier: Apache-2.0
#include "userspace/reconcile/identify.h"

#include <algorithm>
#include <cstring>

#include "loader/run_program.h"
#include "maps/abi/workload.h"

namespace weir {

Status identify(int program, const std::vector<Cgroup>& cgroups) {
    for (const auto& cgroup : cgroups) {
        weir_resolve_request request{};
        request.cgroup = cgroup.id;
        request.parent = cgroup.parent;
        std::memcpy(request.path, cgroup.path.data(),
                    std::min(cgroup.path.size(), sizeof(request.path) - 1));
        WEIR_CHECK(run_program(program, &request, sizeof(request),
                               "give cgroup " + cgroup.path + " its workload"));
    }
    return {};
}

}  // namespace weir

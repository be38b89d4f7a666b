// SPDX-License-Identifier: Apache-2.0
#include "userspace/reconcile/identify.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cstring>

#include "maps/abi/workload.h"

namespace weir {

Status identify(int program, const std::vector<Cgroup>& cgroups) {
    for (const auto& cgroup : cgroups) {
        weir_resolve_request request{};
        request.cgroup = cgroup.id;
        request.parent = cgroup.parent;
        std::memcpy(request.path, cgroup.path.data(),
                    std::min(cgroup.path.size(), sizeof(request.path) - 1));
        LIBBPF_OPTS(bpf_test_run_opts, options);
        options.data_in = &request;
        options.data_size_in = sizeof(request);
        options.repeat = 1;
        if (bpf_prog_test_run_opts(program, &options))
            return fail_errno("cannot give cgroup " + cgroup.path + " its workload", errno);
    }
    return {};
}

}  // namespace weir

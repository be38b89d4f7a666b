/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which workload calls: that of the nearest known ancestor cgroup of the current process. Only for
 * process context: softirq has no current cgroup.
 */
#ifndef WEIR_IDENTITY_BPF_H
#define WEIR_IDENTITY_BPF_H

#include "maps.bpf.h"

#define WEIR_CGROUP_DEPTH_MAX 16

static __always_inline struct weir_workload identity__of_current(void) {
    __u64 cgroup = bpf_get_current_cgroup_id();
    struct weir_workload *workload = bpf_map_lookup_elem(&weir_cgroup, &cgroup);
    if (workload)
        return *workload;
    /* Rare: the cgroup table was full, or this kernel refused the tracepoint. */
    for (int level = WEIR_CGROUP_DEPTH_MAX; level >= 0; level--) {
        cgroup = bpf_get_current_ancestor_cgroup_id(level);
        if (!cgroup)
            continue;
        workload = bpf_map_lookup_elem(&weir_cgroup, &cgroup);
        if (workload)
            return *workload;
    }
    return (struct weir_workload){WEIR_WORKLOAD_UNKNOWN, WEIR_MODE_STEER, 0};
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Gives a cgroup its workload: one function for the cgroups that appear and for those that were
 * there. The only writer of `cgroup`. `prefix` holds the cgroup's path, zero padded.
 */
#ifndef WEIR_CGROUP_BPF_H
#define WEIR_CGROUP_BPF_H

#include "core/cgroup_path.h"
#include "counters.bpf.h"

static __always_inline void cgroup__assign(__u64 cgroup, __u64 parent,
                                           struct weir_cg_prefix *prefix) {
    prefix->prefixlen = WEIR_CGROUP_PATH_MAX * 8;
    struct weir_workload *pattern = bpf_map_lookup_elem(&weir_cg_prefix, prefix);
    struct weir_workload *inherited = bpf_map_lookup_elem(&weir_cgroup, &parent);
    struct weir_workload none = {}, workload = weir_inherit_workload(
                                        pattern != NULL, pattern ? *pattern : none,
                                        inherited != NULL, inherited ? *inherited : none);
    if (bpf_map_update_elem(&weir_cgroup, &cgroup, &workload, BPF_ANY))
        reason__count(WEIR_REASON_CGROUP_FULL);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tp_btf/cgroup_mkdir and cgroup_rmdir: a new cgroup has its workload before anything can run in
 * it, with no daemon involved. Cgroups of v1 hierarchies fire the same tracepoints and their ids
 * collide with ours: hierarchy 0 is cgroup2. When this kernel refuses these programs, cgroups made
 * while the agent is away get the identity of their nearest known ancestor.
 */
#include "../maps.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "../cgroup.bpf.h"
#include "../kernel_types.bpf.h"

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(weir_mkdir, struct cgroup *cgroup, const char *path) {
    if (cgroup->root->hierarchy_id)
        return 0;
    struct weir_cg_prefix prefix = {};
    long length = bpf_probe_read_kernel_str(prefix.path, sizeof(prefix.path), path);
    if (length == sizeof(prefix.path))
        reason__count(WEIR_REASON_CGROUP_PATH);
    struct cgroup_subsys_state *parent = cgroup->self.parent;
    cgroup__assign(cgroup->kn->id, parent ? parent->cgroup->kn->id : 0, &prefix);
    return 0;
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(weir_rmdir, struct cgroup *cgroup) {
    if (cgroup->root->hierarchy_id)
        return 0;
    __u64 id = cgroup->kn->id;
    bpf_map_delete_elem(&weir_cgroup, &id);
    return 0;
}

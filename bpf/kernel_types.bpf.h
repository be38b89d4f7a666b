/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The few kernel structs that weir's programs look into, each with only the fields used; their
 * places are relocated at load time (CO-RE). Add a field here, never a generated vmlinux.h.
 */
#ifndef WEIR_KERNEL_TYPES_BPF_H
#define WEIR_KERNEL_TYPES_BPF_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sock_common {
    volatile unsigned char skc_state;
    unsigned char skc_ipv6only : 1;
};

struct sock {
    struct sock_common __sk_common;
    int sk_err;
};

struct bpf_iter__bpf_sk_storage_map {
    struct sock *sk;
    void *value;
};

struct kernfs_node {
    __u64 id;
};

struct cgroup;

struct cgroup_subsys_state {
    struct cgroup *cgroup;
    struct cgroup_subsys_state *parent;
};

struct cgroup_root {
    int hierarchy_id;
};

struct cgroup {
    struct cgroup_subsys_state self;
    struct kernfs_node *kn;
    struct cgroup_root *root;
};

#pragma clang attribute pop

#endif

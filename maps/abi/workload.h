/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which workload a cgroup belongs to. `cg_prefix` holds the mesh's patterns and is written by user
 * space; `cgroup` holds the answer for each cgroup and is written by the kernel only: by the
 * cgroup_mkdir tracepoint for new ones, and by the program `weir_resolve` for those that are there.
 */
#ifndef WEIR_ABI_WORKLOAD_H
#define WEIR_ABI_WORKLOAD_H

#include "base.h"

#define WEIR_WORKLOAD_UNKNOWN 0
/* weir_edge_key.workload of those that left the mesh, all together. */
#define WEIR_WORKLOAD_DEPARTED 0xffffffffu

/* LPM_TRIE keys hold at most 256 bytes of data, 4 of which are prefixlen's neighbours' alignment.
 */
#define WEIR_CGROUP_PATH_MAX 248

/* Key of `cg_prefix`. A pattern that ends in * is the bytes before it; an exact one has its
 * terminating NUL as its last byte. Paths start at the cgroup2 root, with a slash. */
struct weir_cg_prefix {
    __u32 prefixlen; /* bits */
    char path[WEIR_CGROUP_PATH_MAX];
};
WEIR_ASSERT(sizeof(struct weir_cg_prefix) == 252);

/* Value of `cgroup` (key: cgroup id) and of `cg_prefix`. */
struct weir_workload {
    __u32 id;     /* WEIR_WORKLOAD_UNKNOWN, or the agent's number for a workload */
    __u16 mode;   /* WEIR_MODE_* */
    __u16 cohort; /* of its name: the same on every node, for what one workload has of its own */
};
WEIR_ASSERT(sizeof(struct weir_workload) == 8);

/* Input of the program `weir_resolve`, as a packet. */
struct weir_resolve_request {
    __u64 cgroup;
    __u64 parent; /* 0 = none */
    char path[WEIR_CGROUP_PATH_MAX];
};
WEIR_ASSERT(sizeof(struct weir_resolve_request) == 264);

#endif

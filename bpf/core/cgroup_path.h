/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which workload a cgroup gets when it appears: the longest pattern that matches its path, else
 * its parent's workload, else unknown. Compiled for the kernel and natively; no maps, no context.
 */
#ifndef WEIR_CORE_CGROUP_PATH_H
#define WEIR_CORE_CGROUP_PATH_H

#include "../../maps/abi/workload.h"

/* A pattern of workload 0 matches too: it takes a path out of its parent's workload. */
static inline __u32 weir_inherit_workload(int matched, __u32 pattern, int has_parent,
                                          __u32 parent) {
    if (matched)
        return pattern;
    return has_parent ? parent : WEIR_WORKLOAD_UNKNOWN;
}

#endif

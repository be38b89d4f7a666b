/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which workload a cgroup gets when it appears: the longest pattern that matches its path, else
 * its parent's workload, else unknown. Compiled for the kernel and natively; no maps, no context.
 */
#ifndef WEIR_CORE_CGROUP_PATH_H
#define WEIR_CORE_CGROUP_PATH_H

#include "../../maps/abi/workload.h"

/* A pattern of workload 0 matches too: it takes a path out of its parent's workload. */
static inline struct weir_workload weir_inherit_workload(int matched, struct weir_workload pattern,
                                                         int has_parent,
                                                         struct weir_workload parent) {
    struct weir_workload unknown = {WEIR_WORKLOAD_UNKNOWN, 0, 0};
    if (matched)
        return pattern;
    return has_parent ? parent : unknown;
}

#endif

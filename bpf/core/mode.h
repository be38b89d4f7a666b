/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which of several modes holds, and whether a switch is still in force. Compiled for the kernel and
 * natively; no maps, no context.
 */
#ifndef WEIR_CORE_MODE_H
#define WEIR_CORE_MODE_H

#include "../../maps/abi/service.h"

/* Until a time of CLOCK_MONOTONIC in nanoseconds; 0 = not switched off. */
static inline int weir_is_off(__u64 off_until_ns, __u64 now_ns) {
    return off_until_ns > now_ns;
}

static inline __u32 weir_mode_of_all(__u32 node, __u32 service, __u32 workload) {
    __u32 mode = node > service ? node : service;
    return workload > mode ? workload : mode;
}

/* As above, with the times until which node and service are switched off by hand. */
static inline __u32 weir_mode_in_force(__u64 node_off_ns, __u64 service_off_ns, __u64 now_ns,
                                       __u32 modes) {
    if (weir_is_off(node_off_ns, now_ns) || weir_is_off(service_off_ns, now_ns))
        return WEIR_MODE_OFF;
    return modes;
}

#endif

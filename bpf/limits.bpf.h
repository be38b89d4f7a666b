/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How many connections a service port and its endpoints may have from this node, and how often a
 * caller may connect. Exact: who counts beyond the limit gives its place back and is refused, so
 * two at once may both miss the last place, and never both get it.
 */
#ifndef WEIR_LIMITS_BPF_H
#define WEIR_LIMITS_BPF_H

#include "active.bpf.h"
#include "core/rate_limit.h"

#define LIMITS_TRIES 8 /* against others of the same caller, at once */

/* One more connection of the caller, which stays in the count unless it is refused. */
static __noinline int limits__is_too_often(__u32 workload, __u32 svc_port,
                                           const struct weir_svc_settings *settings) {
    struct weir_rate_key key = {workload, svc_port};
    struct weir_rate fresh = {};
    __u32 interval_ns = settings->rate_interval_ns, burst = settings->rate_burst;
    if (!interval_ns)
        return 0;
    struct weir_rate *rate = bpf_map_lookup_elem(&weir_rate, &key);
    if (!rate) {
        bpf_map_update_elem(&weir_rate, &key, &fresh, BPF_NOEXIST);
        rate = bpf_map_lookup_elem(&weir_rate, &key);
    }
    if (!rate) {
        reason__count(WEIR_REASON_RATE_FULL);
        return 0;
    }
    __u64 now_ns = bpf_ktime_get_ns();
    for (int i = 0; i < LIMITS_TRIES; i++) {
        __u64 due_ns = *(volatile __u64 *)&rate->due_ns;
        __u64 next_ns = weir_rate_after(due_ns, now_ns, interval_ns, burst);
        if (!next_ns)
            return 1;
        if (__sync_val_compare_and_swap(&rate->due_ns, due_ns, next_ns) == due_ns)
            return 0;
    }
    return 1;
}

/* Counts one more connection as active. 0, or 1 where there is no place for it: it is not. */
static __noinline int limits__take_place(const struct weir_edge_key *key,
                                         const struct weir_svc_settings *settings) {
    struct active_now active = active__add(key, 1);
    __u32 service = settings->max_connections, endpoint = settings->max_per_endpoint;
    if ((!service || active.of_service <= service) && (!endpoint || active.of_endpoint <= endpoint))
        return 0;
    active__add(key, -1);
    return 1;
}

#endif

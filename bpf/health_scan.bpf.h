/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A look at all endpoints of a service port: how many are out or failing, or any that is in. For
 * what is rare: ejections, and picks that found nobody.
 */
#ifndef WEIR_HEALTH_SCAN_BPF_H
#define WEIR_HEALTH_SCAN_BPF_H

#include "health.bpf.h"

/* A look at all endpoints of a service port. */
struct health_scan {
    __u32 base, capacity, svc_port;
    __u32 start;      /* the first one looked at: by chance, where one is looked for */
    __u32 total, out; /* counted */
    __u32 failing;    /* counted: their last connect failed */
    __u32 index;      /* the first that is in; or `none` */
    __u32 reach;      /* WEIR_REACH_* it must be in */
    __u32 max_per_endpoint;
    __u64 clock; /* by which those that are looked for are in; counting: who is out by hand then is
                    not counted; 0: all are */
};

/* The endpoint is in use; *id and *state. Leaving and drained ones are not. */
static __always_inline const struct weir_endpoint *health__at(const struct health_scan *scan,
                                                              __u32 i, __u32 *index,
                                                              struct weir_ep_state **state) {
    *index = scan->start + i;
    if (*index >= scan->capacity)
        *index -= scan->capacity;
    __u32 id = scan->base + *index;
    const struct weir_endpoint *endpoint = bpf_map_lookup_elem(&weir_endpoint, &id);
    *state = bpf_map_lookup_elem(&weir_ep_state, &id);
    if (!endpoint || !*state || endpoint->svc_port != scan->svc_port || !endpoint->generation ||
        endpoint->flags)
        return NULL;
    return endpoint;
}

static long health__count_one(__u32 i, struct health_scan *scan) {
    struct weir_ep_state *state;
    __u32 index;
    const struct weir_endpoint *endpoint = health__at(scan, i, &index, &state);
    if (!endpoint)
        return 0;
    /* Atomics, so that the verifier forgets how far they are, and does not look at each count. */
    if (scan->clock && state->held_until_ns > scan->clock)
        return 0;
    __sync_fetch_and_add(&scan->total, 1);
    if (state->ejected_until_ns)
        __sync_fetch_and_add(&scan->out, 1);
    if (state->failures)
        __sync_fetch_and_add(&scan->failing, 1);
    return 0;
}

/* Whether so many more may be out: `more` is 0 for one that is out already. */
static __noinline int health__may_be_out(__u32 svc_port, const struct weir_svc_settings *settings,
                                         __u32 more) {
    struct health_scan scan = {.base = settings->endpoint_base,
                               .capacity = settings->endpoint_capacity,
                               .svc_port = svc_port};
    bpf_loop(scan.capacity, health__count_one, &scan, 0);
    return weir_may_be_out(scan.out + more, scan.total, settings->eject_percent);
}

/* How many endpoints' last connects failed. */
static __noinline int health__failing(__u32 svc_port, const struct weir_svc_settings *settings) {
    struct health_scan scan = {.base = settings->endpoint_base,
                               .capacity = settings->endpoint_capacity,
                               .svc_port = svc_port};
    bpf_loop(scan.capacity, health__count_one, &scan, 0);
    return scan.failing;
}

static long health__find_one(__u32 i, struct health_scan *scan) {
    struct weir_ep_state *state;
    __u32 index;
    const struct weir_endpoint *endpoint = health__at(scan, i, &index, &state);
    if (!endpoint || health__of(state, scan->clock) == WEIR_HEALTH_OUT ||
        health__is_full(state, scan->max_per_endpoint) ||
        !(scan->reach & (weir_addr_is_v4(&endpoint->addr) ? WEIR_REACH_V4 : WEIR_REACH_V6)))
        return 0;
    scan->index = index;
    return 1;
}

#endif

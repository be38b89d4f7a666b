/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counting: reasons (what could not be done) and edges (who talked to whom). Counting never fails
 * a connection: what finds no room is counted on the service port's `other` edge.
 */
#ifndef WEIR_COUNTERS_BPF_H
#define WEIR_COUNTERS_BPF_H

#include "maps.bpf.h"
#include "settings.bpf.h"

static __always_inline void reason__count(__u32 reason) {
    __u64 *count = bpf_map_lookup_elem(&weir_reason, &reason);
    if (count) /* of this CPU, but a softirq may come in between */
        __sync_fetch_and_add(count, 1);
}

/* The service port's `other`: its first member. NULL: no such service port. */
static __always_inline struct weir_edge *edge__other(__u32 svc_port) {
    return bpf_map_lookup_elem(&weir_svc_state, &svc_port);
}

/* Not on the stack, which is short. */
static const volatile struct weir_edge weir_new_edge __attribute__((unused)) = {};

/*
 * The edge, made where it is missing; two makers at once: one wins, both find it. Where there is no
 * room: `other`, and *on_other is 1, since its end must be counted there too.
 */
static __always_inline struct weir_edge *edge__find_or_make(const struct weir_edge_key *key,
                                                            __u32 *on_other) {
    *on_other = 0;
    struct weir_edge *edge = bpf_map_lookup_elem(&weir_edge, key);
    if (edge)
        return edge;
    bpf_map_update_elem(&weir_edge, key, (const void *)&weir_new_edge, BPF_NOEXIST);
    edge = bpf_map_lookup_elem(&weir_edge, key);
    if (edge)
        return edge;
    reason__count(WEIR_REASON_EDGE_FULL);
    *on_other = 1;
    return edge__other(key->svc_port);
}

/* What endpoints that left had of a caller, or of all callers that left (weir_fold). NULL: nothing.
 */
static __noinline struct weir_edge *edge__of_left(__u32 workload, __u32 svc_port) {
    const struct weir_svc_settings *settings = service__settings(svc_port);
    if (!settings)
        return NULL;
    struct weir_edge_key key = {workload, svc_port, WEIR_LEFT_ENDPOINTS, settings->born};
    struct weir_edge *edge = bpf_map_lookup_elem(&weir_edge, &key);
    if (edge)
        return edge;
    key.workload = WEIR_WORKLOAD_DEPARTED;
    return bpf_map_lookup_elem(&weir_edge, &key);
}

/* Where something that has begun is counted; *on_edge: that is its own edge, which may have
 * histograms, and not what its sums went to meanwhile: a closed socket goes on with sending what it
 * has, when nobody waits for it. */
static __always_inline struct weir_edge *edge__of(const struct weir_edge_key *key, __u32 on_other,
                                                  int *on_edge) {
    struct weir_edge *edge = NULL;
    if (!on_other)
        edge = weir_edges_are_new ? edge__find_or_make(key, &on_other)
                                  : bpf_map_lookup_elem(&weir_edge, key);
    *on_edge = edge && !on_other;
    if (!edge && !on_other)
        edge = edge__of_left(key->workload, key->svc_port);
    return edge ? edge : edge__other(key->svc_port);
}

static __always_inline void edge__count_failed(struct weir_edge *edge, __u32 failure) {
    /* The reason first: who reads in between takes their sum for the whole. */
    if (failure < WEIR_FAILURES)
        __sync_fetch_and_add(&edge->failed_by[failure], 1);
    __sync_fetch_and_add(&edge->failed, 1);
}

/* A connect that was answered without an endpoint: opened and failed at once. A function of its
 * own, for its stack. */
static __noinline int edge__count_refused(__u32 workload, __u32 svc_port, __u32 born,
                                          __u32 failure) {
    struct weir_edge_key key = {workload, svc_port, WEIR_NO_ENDPOINT, born};
    __u32 on_other;
    struct weir_edge *edge = edge__find_or_make(&key, &on_other);
    if (edge) {
        __sync_fetch_and_add(&edge->opened, 1);
        edge__count_failed(edge, failure);
    }
    return 0;
}

#endif

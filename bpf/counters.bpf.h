/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counting: reasons (what could not be done) and edges (who talked to whom). Counting never fails
 * a connection: what finds no room is counted on the service port's `other` edge.
 */
#ifndef WEIR_COUNTERS_BPF_H
#define WEIR_COUNTERS_BPF_H

#include "maps.bpf.h"

static __always_inline void reason__count(__u32 reason) {
    __u64 *count = bpf_map_lookup_elem(&weir_reason, &reason);
    if (count)
        *count += 1;
}

/* The counters of an edge that exists, else the service port's `other`. NULL: no such service port.
 */
static __always_inline struct weir_edge *edge__find(const struct weir_edge_key *key) {
    struct weir_edge *edge = bpf_map_lookup_elem(&weir_edge, key);
    if (edge)
        return edge;
    struct weir_svc_state *state = bpf_map_lookup_elem(&weir_svc_state, &key->svc_port);
    return (struct weir_edge *)state; /* `other` is its first member */
}

/* As edge__find, but makes the edge. Two makers at once: one wins, both find it. */
static __always_inline struct weir_edge *edge__find_or_make(const struct weir_edge_key *key) {
    struct weir_edge *edge = bpf_map_lookup_elem(&weir_edge, key);
    if (edge)
        return edge;
    struct weir_edge zero = {};
    bpf_map_update_elem(&weir_edge, key, &zero, BPF_NOEXIST);
    edge = bpf_map_lookup_elem(&weir_edge, key);
    if (edge)
        return edge;
    reason__count(WEIR_REASON_EDGE_FULL);
    return edge__find(key);
}

/* A connect that was answered without an endpoint: opened and failed at once. */
static __always_inline void edge__count_refused(__u32 workload, __u32 svc_port, __u32 born) {
    struct weir_edge_key key = {workload, svc_port, WEIR_NO_ENDPOINT, born};
    struct weir_edge *edge = edge__find_or_make(&key);
    if (edge) {
        __sync_fetch_and_add(&edge->opened, 1);
        __sync_fetch_and_add(&edge->failed, 1);
    }
}

#endif

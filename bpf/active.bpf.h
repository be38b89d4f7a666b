/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How many connections and flows a service port and an endpoint have: one more, one less. Limits
 * and algorithms that compare go by it, and rows are reused when nobody holds them.
 */
#ifndef WEIR_ACTIVE_BPF_H
#define WEIR_ACTIVE_BPF_H

#include "counters.bpf.h"

/* The row has another endpoint: what was known of the one before is not its. */
static __always_inline void active__begin_endpoint(struct weir_ep_state *state, __u32 generation) {
    state->ejected_until_ns = state->latency_word = 0;
    state->held_until_ns = state->window = state->moved_from = 0;
    state->failures = state->resets = state->ejections = state->tried_ms = 0;
    state->changed_ns = bpf_ktime_get_coarse_ns();
    state->generation = generation;
}

/* Connections that an endpoint has by the rows that it had before, given its row's `moved_from`. */
static __always_inline __u64 active__on_rows_before(__u32 moved_from) {
    __u64 active = 0;
#pragma unroll
    for (int i = 0; i < WEIR_ROWS_BEFORE_MOST && moved_from; i++) {
        moved_from--;
        struct weir_ep_state *state = bpf_map_lookup_elem(&weir_ep_state, &moved_from);
        if (!state)
            break;
        active += state->active;
        moved_from = state->moved_from;
    }
    return active;
}

/* All that an endpoint has. */
static __always_inline __u64 active__of(const struct weir_ep_state *state) {
    return state->active + active__on_rows_before(state->moved_from);
}

/* How many there are after a change. */
struct active_now {
    __s64 of_service, of_endpoint;
};

static __always_inline struct active_now active__add(const struct weir_edge_key *key, __s64 delta) {
    struct active_now now = {};
    struct weir_svc_state *service = bpf_map_lookup_elem(&weir_svc_state, &key->svc_port);
    if (service)
        now.of_service = __sync_fetch_and_add(&service->active, delta) + delta;
    struct weir_ep_state *endpoint = bpf_map_lookup_elem(&weir_ep_state, &key->endpoint);
    if (!endpoint)
        return now;
    now.of_endpoint = __sync_fetch_and_add(&endpoint->active, delta) + delta;
    if (delta > 0)
        now.of_endpoint += active__on_rows_before(endpoint->moved_from);
    if (delta > 0 && endpoint->generation != key->generation)
        active__begin_endpoint(endpoint, key->generation);
    else if (endpoint->generation && endpoint->generation != key->generation) /* 0: not yet */
        reason__count(WEIR_REASON_STALE_ENDPOINT);
    return now;
}

#endif

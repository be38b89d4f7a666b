/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What weir remembers of a socket, and how the start and the end of its connection are counted.
 * Every end is counted exactly once, whichever hook sees it first (core/connection.h).
 */
#ifndef WEIR_SOCKET_BPF_H
#define WEIR_SOCKET_BPF_H

#include "core/connection.h"
#include "counters.bpf.h"
#include "maps.bpf.h"

static __always_inline void socket__add_active(const struct weir_edge_key *key, __s64 delta) {
    struct weir_ep_state *endpoint = bpf_map_lookup_elem(&weir_ep_state, &key->endpoint);
    if (endpoint) {
        __sync_fetch_and_add(&endpoint->active, delta);
        if (delta > 0)
            endpoint->generation = key->generation;
        else if (endpoint->generation != key->generation)
            reason__count(WEIR_REASON_STALE_ENDPOINT);
    }
}

/* Counts the end of one connection or flow, where its start was counted. */
static __always_inline void socket__count_end(const struct weir_edge_key *key, int on_other,
                                              __u32 end) {
    struct weir_edge *edge =
        on_other ? edge__other(key->svc_port) : bpf_map_lookup_elem(&weir_edge, key);
    if (edge) {
        __sync_fetch_and_add(end == WEIR_END_CLOSED ? &edge->closed : &edge->failed, 1);
        __sync_fetch_and_add(&edge->active, -1);
    }
    socket__add_active(key, -1);
}

/* Counts the end of what the socket was doing, if anything. */
static __always_inline void socket__end(struct weir_sock *sock) {
    __u32 end = weir_end_of(__sync_lock_test_and_set(&sock->phase, WEIR_PHASE_DONE));
    if (end != WEIR_END_NONE)
        socket__count_end(&sock->edge, sock->on_other, end);
}

/* Moves a connection on; from any other phase than the one before, nothing happens. */
static __always_inline int socket__advance(struct weir_sock *sock, __u32 event) {
    __u32 before = weir_phase_before(event);
    return __sync_val_compare_and_swap(&sock->phase, before, weir_phase_after(event)) == before;
}

#endif

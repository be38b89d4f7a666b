/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What weir remembers of a socket, and how the start and the end of its connection are counted.
 * Every end is counted exactly once, whichever hook sees it first (core/connection.h).
 */
#ifndef WEIR_SOCKET_BPF_H
#define WEIR_SOCKET_BPF_H

#include "active.bpf.h"
#include "before.bpf.h"
#include "core/connection.h"
#include "counters.bpf.h"
#include "events.bpf.h"
#include "maps.bpf.h"

/* A connection or flow whose end will not be seen: it is not active any more, but untracked. */
static __always_inline void socket__lose(const struct weir_edge_key *key, int on_other) {
    __u32 in_other;
    struct weir_edge *edge =
        on_other ? edge__other(key->svc_port) : edge__find_or_make(key, &in_other);
    if (edge) {
        __sync_fetch_and_add(&edge->untracked, 1);
        __sync_fetch_and_add(&edge->active, -1);
    }
    active__add(key, -1);
    reason__count(WEIR_REASON_UNTRACKED);
}

/* Counts the end of one connection or flow, where its start was counted. */
static __always_inline void socket__count_end(const struct weir_edge_key *key, int on_other,
                                              __u32 end, __u32 failure) {
    struct weir_edge *edge =
        on_other ? edge__other(key->svc_port) : bpf_map_lookup_elem(&weir_edge, key);
    __u32 in_other;
    if (!edge &&
        weir_edges_are_new) /* its start is in the other build's table, and will be added */
        edge = edge__find_or_make(key, &in_other);
    if (edge) {
        if (end == WEIR_END_CLOSED)
            __sync_fetch_and_add(&edge->closed, 1);
        else
            edge__count_failed(edge, failure);
        __sync_fetch_and_add(&edge->active, -1);
    }
    active__add(key, -1);
}

/* What the socket's connection is, and the word that says how far it got: in our row, or in that of
 * another build, of which *copy is made. In both, when the other build had taken the socket over
 * from us and did not get to its end: ours says DONE then. NULL: weir did not steer it. */
static __always_inline struct weir_sock *socket__find(void *sk, struct weir_sock *copy,
                                                      __u32 **phase) {
    struct weir_sock *sock = bpf_sk_storage_get(&weir_sock, sk, NULL, 0);
    void *row = !sock || sock->phase == WEIR_PHASE_DONE ? before__sock_row(sk) : NULL;
    if (sock && (!row || *before__phase(row) == WEIR_PHASE_DONE)) {
        *phase = &sock->phase;
        return sock;
    }
    if (!row)
        return NULL;
    before__copy_sock(row, copy);
    *phase = before__phase(row);
    return copy;
}

/* Counts and tells the end of a connection that `was` in a phase; TCP has its last byte before it
 * is told of as closed (traffic.bpf.h). */
static __always_inline void socket__finish(struct weir_sock *sock, __u32 was, __u32 error,
                                           __u32 heard) {
    __u32 end = weir_end_of(was, error, heard), failure = weir_failure_of(was, error);
    if (end == WEIR_END_NONE)
        return;
    socket__count_end(&sock->edge, sock->on_other, end, failure);
    if (end == WEIR_END_FAILED)
        event__failed(sock, failure);
    else if (sock->protocol == WEIR_PROTO_UDP)
        event__tell(WEIR_EVENT_CLOSED, sock);
}

/* … of what the socket was doing, if anything; the rest as weir_end_of wants it. Its phase. */
static __always_inline __u32 socket__end(struct weir_sock *sock, __u32 *phase, __u32 error,
                                         __u32 heard) {
    __u32 was = __sync_lock_test_and_set(phase, WEIR_PHASE_DONE);
    socket__finish(sock, was, error, heard);
    return was;
}

/* The application closed the socket, or connects it elsewhere. */
static __always_inline void socket__end_by_caller(struct weir_sock *sock, __u32 *phase) {
    socket__end(sock, phase, 0, 1);
}

/* … of what another build's row says that it was doing; ours takes its place, or the socket goes.
 */
static __always_inline void socket__end_before(void *sk) {
    void *row = before__sock_row(sk);
    if (!row)
        return;
    __u32 was = __sync_lock_test_and_set(before__phase(row), WEIR_PHASE_DONE);
    __u32 end = weir_end_of(was, 0, 1);
    struct weir_edge_key edge;
    BEFORE_COPY_EDGE(&edge, row, weir_sock_at.steered);
    if (end != WEIR_END_NONE)
        socket__count_end(&edge, before__on_other(row), end, weir_failure_of(was, 0));
}

/* The same with its event, for which the connect path has not the stack. */
static __always_inline void socket__finish_before(void *sk) {
    struct weir_sock copy;
    void *row = before__sock_row(sk);
    if (!row)
        return;
    before__copy_sock(row, &copy);
    socket__finish(&copy, __sync_lock_test_and_set(before__phase(row), WEIR_PHASE_DONE), 0, 1);
}

/* The steered connection is over: what the socket does now is not weir's to measure. */
static __always_inline void socket__leave(struct weir_sock *sock) {
    sock->started_ns = 0;
    sock->sampled = 0;
    sock->connect_us = 0;
}

/* Moves a connection on; from any other phase than the one before, nothing happens. */
static __always_inline int socket__advance(__u32 *phase, __u32 event) {
    __u32 before = weir_phase_before(event);
    return __sync_val_compare_and_swap(phase, before, weir_phase_after(event)) == before;
}

#endif

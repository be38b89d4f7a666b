/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Brings what a TCP socket has moved since the last time onto its edge: bytes, retransmissions, and
 * its round trip. At the end of a connection, whichever way it ended, and now and then before.
 */
#ifndef WEIR_TRAFFIC_BPF_H
#define WEIR_TRAFFIC_BPF_H

#include <bpf/bpf_core_read.h>

#include "kernel_types.bpf.h"
#include "latency.bpf.h"
#include "socket.bpf.h"

/* What a connection has moved since its handshake. */
struct traffic {
    __u64 sent, received;
    __u32 retransmits;
    __u32 rtt_us; /* 0 = not known */
};

/* `flag`: of enum sock_flags. */
#define TRAFFIC_HAS(tcp, flag)                              \
    (((const struct sock *)(tcp))->__sk_common.skc_flags >> \
         bpf_core_enum_value(enum sock_flags, flag) &       \
     1)

static __always_inline struct traffic traffic__of(const struct tcp_sock *tcp) {
    __u32 fin = TRAFFIC_HAS(tcp, SOCK_DONE);
    __u64 received = tcp->bytes_received;
    return (struct traffic){tcp->bytes_sent - tcp->bytes_retrans, received - (received ? fin : 0),
                            tcp->total_retrans, tcp->srtt_us >> 3};
}

static __always_inline void traffic__add_rtt(const struct weir_sock *sock, __u32 rtt_us) {
    struct weir_latency *latency = rtt_us ? latency__find_or_make(&sock->edge) : NULL;
    if (latency)
        histogram__add(&latency->of[WEIR_LATENCY_RTT], rtt_us);
}

static __always_inline void traffic__count_cut_off(struct weir_edge *edge, __u32 by) {
    if (by == WEIR_CUT_OFF_BY_CALLER)
        __sync_fetch_and_add(&edge->resets_sent, 1);
    else if (by == WEIR_CUT_OFF_BY_ENDPOINT)
        __sync_fetch_and_add(&edge->resets_received, 1);
}

static __always_inline int traffic__is_told(const struct weir_sock *sock, __u32 cut_off_by) {
    if (!sock->started_ns || !sock->connect_us)
        return 0;
    int slow =
        weir_slow_us && (sock->connect_us >= weir_slow_us || sock->first_byte_us >= weir_slow_us);
    return sock->told || slow || sock->deadline || cut_off_by == WEIR_CUT_OFF_BY_ENDPOINT;
}

static __always_inline void traffic__tell_closed(const struct weir_sock *sock,
                                                 const struct traffic *now, __u32 cut_off_by) {
    struct weir_event *event = event__begin(WEIR_EVENT_CLOSED, &sock->edge);
    if (!event)
        return;
    event__addresses(event, sock);
    event->cut_off_by = cut_off_by;
    event->deadline = sock->deadline;
    event->sent = now->sent;
    event->received = now->received;
    event->retransmits = now->retransmits;
    event->rtt_us = now->rtt_us;
    event->connect_us = sock->connect_us;
    event->first_byte_us = sock->first_byte_us;
    event__end(event);
}

/* The last time: what is exact by now takes the place of what a look at a busy socket had found.
 * From now on the socket may be used for another connection, of which weir knows nothing. */
static __always_inline void traffic__flush_last(struct weir_sock *sock, const struct tcp_sock *tcp,
                                                __u32 cut_off_by) {
    int on_edge;
    struct weir_edge *edge =
        sock->started_ns ? edge__of(&sock->edge, sock->on_other, &on_edge) : NULL;
    struct traffic now = traffic__of(tcp);
    if (traffic__is_told(sock, cut_off_by))
        traffic__tell_closed(sock, &now, cut_off_by);
    socket__leave(sock);
    if (!edge)
        return;
    __sync_fetch_and_add(&edge->bytes_sent,
                         now.sent - __sync_lock_test_and_set(&sock->sent, now.sent));
    __sync_fetch_and_add(&edge->bytes_received,
                         now.received - __sync_lock_test_and_set(&sock->received, now.received));
    __u32 before = __sync_lock_test_and_set(&sock->retransmits, now.retransmits);
    __sync_fetch_and_add(&edge->retransmits, (__u64)now.retransmits - before);
    traffic__count_cut_off(edge, cut_off_by);
    if (on_edge)
        traffic__add_rtt(sock, now.rtt_us);
}

/* A count that has grown is taken by whoever exchanges it first. */
#define TRAFFIC_TAKE(counted, was, now) \
    ((now) > (was) && __sync_val_compare_and_swap(counted, was, now) == (was) ? (now) - (was) : 0)

/* While the connection lives; the socket is not locked. What was counted is read before what there
 * is: a last flush in between then changes it, and nothing is taken. */
static __always_inline void traffic__flush(struct weir_sock *sock, const struct tcp_sock *tcp) {
    __u64 sent = *(volatile __u64 *)&sock->sent;
    __u64 received = *(volatile __u64 *)&sock->received;
    __u32 retransmits = *(volatile __u32 *)&sock->retransmits;
    struct traffic now = traffic__of(tcp);
    int on_edge;
    struct weir_edge *edge = edge__of(&sock->edge, sock->on_other, &on_edge);
    if (!edge)
        return;
    sent = TRAFFIC_TAKE(&sock->sent, sent, now.sent);
    received = TRAFFIC_TAKE(&sock->received, received, now.received);
    retransmits = TRAFFIC_TAKE(&sock->retransmits, retransmits, now.retransmits);
    __sync_fetch_and_add(&edge->bytes_sent, sent);
    __sync_fetch_and_add(&edge->bytes_received, received);
    __sync_fetch_and_add(&edge->retransmits, retransmits);
    if (on_edge && sent | received)
        traffic__add_rtt(sock, now.rtt_us);
}

#endif

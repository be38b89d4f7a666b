/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Steps 4 and 5 of the connect path (connect.bpf.h): what weir will know of the socket until it
 * ends, and the counts of its beginning.
 */
#ifndef WEIR_TRACK_BPF_H
#define WEIR_TRACK_BPF_H

#include "choose.bpf.h"
#include "deadlines.bpf.h"
#include "endpoint_events.bpf.h"
#include "kernel_types.bpf.h"
#include "sample.bpf.h"
#include "settings.bpf.h"
#include "socket.bpf.h"
#include "udp_try.bpf.h"

/* An MPTCP socket connects through a subflow, but getpeername sees the MPTCP socket itself. */
static __always_inline void connect__remember_mptcp(struct bpf_sock *sk,
                                                    const struct weir_sock *seen) {
    void *mptcp = bpf_skc_to_mptcp_sock(sk);
    if (!mptcp)
        return;
    struct weir_sock *sock =
        bpf_sk_storage_get(&weir_sock, mptcp, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    if (!sock)
        return;
    sock->service_addr = seen->service_addr;
    sock->endpoint_addr = seen->endpoint_addr;
    sock->service_port = seen->service_port;
    sock->endpoint_port = seen->endpoint_port;
}

/* `healthy`: HEALTHY_*, of the pick. */
static __always_inline void track__tell(const struct weir_sock *sock, __u32 healthy) {
    if (healthy == HEALTHY_TRIES) {
        reason__count(WEIR_REASON_HALF_OPEN);
        event__of_endpoint(WEIR_EVENT_HALF_OPEN, sock, 0);
    } else if (healthy == HEALTHY_PANICS && event__panic_is_due(sock->edge.svc_port))
        event__of_endpoint(WEIR_EVENT_PANIC, sock, 0);
    event__tell(WEIR_EVENT_OPENED, sock);
}

/* Of UDP: what the try before has shown, and whether this socket is one. */
static __always_inline void track__try(struct weir_sock *sock,
                                       const struct connect_choice *choice) {
    struct udp_verdict before =
        udp_try__before(&sock->edge, choice->view.settings, choice->pick.healthy);
    if (before.event)
        event__of_endpoint(before.event, sock, before.failure);
    sock->asked = udp_try__mark(&sock->edge, choice->pick.healthy);
}

/* Steps 4 and 5. 0, or the outcome. */
static __always_inline int connect__track(struct bpf_sock_addr *ctx, struct bpf_sock *sk,
                                          const struct weir_vip_key *target,
                                          const struct connect_choice *choice) {
    const struct weir_endpoint *endpoint = choice->pick.endpoint;
    struct weir_edge_key key = {choice->caller.id, choice->view.svc_port, choice->pick.endpoint_id,
                                endpoint->generation};
    struct weir_sock *sock = bpf_sk_storage_get(&weir_sock, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    if (!sock && choice->view.settings->flags & WEIR_SVC_NEEDS_TRACKING && !choice->observed) {
        reason__count(WEIR_REASON_TRACKING_REQUIRED);
        edge__count_refused(key.workload, key.svc_port, choice->view.settings->born,
                            WEIR_FAILURE_NO_STORAGE);
        return WEIR_REFUSE(WEIR_FAILURE_NO_STORAGE); /* 4 */
    }
    if (sock) { /* an earlier connect of this socket, which never got as far as a SYN */
        socket__end_before(sk);
        socket__end_by_caller(sock, &sock->phase);
    }
    if (sock && choice->observed)
        active__add(&key, 1);
    else if (sock && limits__take_place(&key, choice->view.settings)) {
        choose__give_back(choice);
        return choose__refuse(choice, WEIR_REASON_LIMIT, WEIR_FAILURE_LIMIT);
    }
    __u32 on_other;
    struct weir_edge *edge = edge__find_or_make(&key, &on_other);
    if (edge)
        __sync_fetch_and_add(&edge->opened, 1);
    if (!sock) {
        reason__count(WEIR_REASON_UNTRACKED);
        if (edge)
            __sync_fetch_and_add(&edge->untracked, 1);
        return 0; /* 5 */
    }
    if (edge)
        __sync_fetch_and_add(&edge->active, 1);
    sock->edge = key;
    sock->on_other = on_other;
    sock->sent = sock->received = 0;
    sock->retransmits = 0;
    sock->heard_ns = 0;
    sock->sampled = sample__one_of(settings__first_byte_every(choice->view.settings));
    sock->started_ns = target->proto == WEIR_PROTO_TCP ? bpf_ktime_get_ns() : 0;
    sock->connect_us = sock->first_byte_us = 0;
    sock->told = sample__one_of(settings__events_every(choice->view.settings));
    sock->protocol = target->proto;
    sock->service_addr = target->addr;
    sock->service_port = target->port;
    sock->endpoint_addr = choice->observed ? target->addr : endpoint->addr;
    sock->endpoint_port = choice->observed ? target->port : endpoint->port;
    /* UDP has no handshake: the connect is all there is. */
    sock->phase = target->proto == WEIR_PROTO_UDP ? WEIR_PHASE_ESTABLISHED : WEIR_PHASE_PICKED;
    if (target->proto == WEIR_PROTO_TCP) {
        connect__remember_mptcp(sk, sock);
        deadlines__begin(ctx, sk, sock, choice->observed ? NULL : choice->view.settings);
    }
    if (target->proto == WEIR_PROTO_UDP)
        track__try(sock, choice);
    track__tell(sock, choice->pick.healthy);
    return 0; /* 5 */
}

#endif

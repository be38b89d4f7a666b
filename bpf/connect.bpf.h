/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The connect path, in this order and no other:
 *   1 look up the target; not a service: leave at once, uncounted; switched off: leave, counted
 *   2 (policy comes here)
 *   3 pick an endpoint that the socket can reach; none: ECONNREFUSED
 *   4 take socket storage; refused: steer untracked, or ENOBUFS where the service needs tracking
 *   5 count
 *   6 rewrite, unless weir only observes
 * The numbers are cited where each step returns.
 */
#ifndef WEIR_CONNECT_BPF_H
#define WEIR_CONNECT_BPF_H

#include "choose.bpf.h"
#include "kernel_types.bpf.h"
#include "socket.bpf.h"

/* Families that the calling AF_INET6 socket can reach. */
static __always_inline __u32 connect__reach_v6(struct bpf_sock *sk) {
    struct weir_addr bound = client__bound_addr(sk, 1);
    struct sock_common *common = (struct sock_common *)bpf_skc_to_tcp_sock(sk);
    if (!common)
        common = (struct sock_common *)bpf_skc_to_udp6_sock(sk);
    int v6only = common ? BPF_CORE_READ_BITFIELD(common, skc_ipv6only) : 0;
    return weir_reach_of_v6_socket(v6only, &bound);
}

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

/* Whether this connection is one of those whose first bytes are timed. */
static __always_inline __u32 connect__samples(void) {
    __u32 every = weir_first_byte_every;
    if (every <= 1)
        return every;
    return ((__u64)bpf_get_prandom_u32() * every) >> 32 == 0;
}

/* Steps 4 and 5. 0, or the errno to refuse with. */
static __always_inline int connect__track(struct bpf_sock *sk, const struct weir_vip_key *target,
                                          const struct connect_choice *choice) {
    const struct weir_endpoint *endpoint = choice->pick.endpoint;
    struct weir_edge_key key = {choice->caller.id, choice->view.svc_port, choice->pick.endpoint_id,
                                endpoint->generation};
    struct weir_sock *sock = bpf_sk_storage_get(&weir_sock, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    if (!sock && choice->view.settings->flags & WEIR_SVC_NEEDS_TRACKING && !choice->observed) {
        reason__count(WEIR_REASON_TRACKING_REQUIRED);
        edge__count_refused(key.workload, key.svc_port, choice->view.settings->born,
                            WEIR_FAILURE_NO_STORAGE);
        return -WEIR_ENOBUFS; /* 4 */
    }
    if (sock) { /* an earlier connect of this socket, which never got as far as a SYN */
        socket__end_by_caller(sock, &sock->phase);
        socket__end_before(sk);
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
    socket__add_active(&key, 1);
    sock->edge = key;
    sock->on_other = on_other;
    sock->sent = sock->received = 0;
    sock->retransmits = 0;
    sock->heard_ns = 0;
    sock->sampled = connect__samples();
    sock->started_ns = target->proto == WEIR_PROTO_TCP ? bpf_ktime_get_ns() : 0;
    sock->connect_us = sock->first_byte_us = 0;
    sock->told = event__samples();
    sock->protocol = target->proto;
    sock->service_addr = target->addr;
    sock->service_port = target->port;
    sock->endpoint_addr = choice->observed ? target->addr : endpoint->addr;
    sock->endpoint_port = choice->observed ? target->port : endpoint->port;
    /* UDP has no handshake: the connect is all there is. */
    sock->phase = target->proto == WEIR_PROTO_UDP ? WEIR_PHASE_ESTABLISHED : WEIR_PHASE_PICKED;
    if (target->proto == WEIR_PROTO_TCP)
        connect__remember_mptcp(sk, sock);
    event__opened(sock);
    return 0; /* 5 */
}

/* A UDP socket that connects elsewhere leaves its service; nobody else will tell. Should it be that
 * very endpoint, its peer is the endpoint from now on. */
static __always_inline void connect__leave_service(struct bpf_sock *sk) {
    struct weir_sock *sock = bpf_sk_storage_get(&weir_sock, sk, NULL, 0);
    if (sock) {
        socket__end_by_caller(sock, &sock->phase);
        sock->endpoint_port = 0;
    }
    socket__end_before(sk);
    before__forget_peer(sk);
}

/* An outcome becomes the hook's verdict here and nowhere else: 1 = go on, 0 = refuse. */
static __always_inline int connect__verdict(int outcome) {
    if (outcome >= 0)
        return 1;
    bpf_set_retval(outcome);
    return 0;
}

/* A function of its own, so that a connect to no service does not pay for its stack. */
static __noinline int connect__to_service(struct bpf_sock_addr *ctx, struct bpf_sock *sk,
                                          struct weir_vip_key *target, int is_v6, __u32 svc_port) {
    struct connect_choice choice = {};
    int outcome = choose__endpoint(ctx, sk, is_v6, svc_port,
                                   is_v6 ? connect__reach_v6(sk) : WEIR_REACH_V4, &choice);
    if (!outcome)
        outcome = connect__track(sk, target, &choice);
    if (outcome < 0)
        event__refused(target, choice.caller.id, svc_port, outcome);
    if (outcome)
        return outcome;
    if (choice.observed)
        return WEIR_OBSERVED;
    target->addr = choice.pick.endpoint->addr;
    target->port = choice.pick.endpoint->port;
    return WEIR_STEERED; /* 6 */
}

/* Returns WEIR_STEERED with the endpoint in `target`, another outcome, or a negative errno. */
static __always_inline int connect__steer(struct bpf_sock_addr *ctx, struct bpf_sock *sk,
                                          struct weir_vip_key *target, int is_v6) {
    __u32 svc_port;
    int outcome = WEIR_PASS; /* 1 */
    if (!service__find(target, &svc_port))
        outcome = connect__to_service(ctx, sk, target, is_v6, svc_port);
    if (outcome == WEIR_PASS && target->proto == WEIR_PROTO_UDP)
        connect__leave_service(sk);
    return outcome;
}

#endif

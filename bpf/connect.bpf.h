/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The connect path, in this order and no other:
 *   1 look up the target; not a service: leave at once; switched off: leave, counted
 *   2 (policy comes here)
 *   3 pick an endpoint that the socket can reach and that has room; none: ECONNREFUSED
 *   4 take socket storage; refused: steer untracked, or ENOBUFS where the service needs tracking
 *   5 count; no room any more: ECONNREFUSED; then its deadlines, as socket options
 *   6 rewrite, unless weir only observes
 * The numbers are cited where each step returns.
 */
#ifndef WEIR_CONNECT_BPF_H
#define WEIR_CONNECT_BPF_H

#include "choose.bpf.h"
#include "kernel_types.bpf.h"
#include "track.bpf.h"
#include "unmanaged.bpf.h"

/* Families that the calling AF_INET6 socket can reach. */
static __always_inline __u32 connect__reach_v6(struct bpf_sock *sk) {
    struct weir_addr bound = client__bound_addr(sk, 1);
    struct sock_common *common = (struct sock_common *)bpf_skc_to_tcp_sock(sk);
    if (!common)
        common = (struct sock_common *)bpf_skc_to_udp6_sock(sk);
    int v6only = common ? BPF_CORE_READ_BITFIELD(common, skc_ipv6only) : 0;
    return weir_reach_of_v6_socket(v6only, &bound);
}

/* A UDP socket that connects elsewhere leaves its service; nobody else will tell. Should it be that
 * very endpoint, its peer is the endpoint from now on. */
static __always_inline void connect__leave_service(struct bpf_sock *sk) {
    socket__end_before(sk);
    before__forget_peer(sk);
    struct weir_sock *sock = bpf_sk_storage_get(&weir_sock, sk, NULL, 0);
    if (sock) {
        socket__end_by_caller(sock, &sock->phase);
        sock->endpoint_port = 0;
    }
}

/* An outcome becomes the hook's verdict here and nowhere else: 1 = go on, 0 = refuse. */
static __always_inline int connect__verdict(int outcome) {
    if (outcome >= 0)
        return 1;
    bpf_set_retval(-weir_errno_of(WEIR_REFUSED_FOR(outcome)));
    return 0;
}

/* A function of its own, so that a connect to no service does not pay for its stack. */
static __noinline int connect__to_service(struct bpf_sock_addr *ctx, struct bpf_sock *sk,
                                          struct weir_vip_key *target, int is_v6, __u32 svc_port) {
    struct connect_choice choice = {};
    int outcome = choose__endpoint(ctx, sk, is_v6, svc_port,
                                   is_v6 ? connect__reach_v6(sk) : WEIR_REACH_V4, &choice);
    if (!outcome)
        outcome = connect__track(ctx, sk, target, &choice);
    if (outcome < 0)
        event__refused(target, choice.caller.id, svc_port, WEIR_REFUSED_FOR(outcome));
    if (outcome)
        return outcome;
    if (choice.observed)
        return WEIR_OBSERVED;
    target->addr = choice.pick.endpoint->addr;
    target->port = choice.pick.endpoint->port;
    return WEIR_STEERED; /* 6 */
}

/* Returns WEIR_STEERED with the endpoint in `target`, or another outcome. */
static __always_inline int connect__steer(struct bpf_sock_addr *ctx, struct bpf_sock *sk,
                                          struct weir_vip_key *target, int is_v6) {
    __u32 svc_port;
    int outcome = WEIR_PASS; /* 1 */
    if (!service__find(target, &svc_port))
        outcome = connect__to_service(ctx, sk, target, is_v6, svc_port);
    else if (weir_counts_unmanaged)
        unmanaged__count(target);
    if (outcome == WEIR_PASS && target->proto == WEIR_PROTO_UDP)
        connect__leave_service(sk);
    return outcome;
}

#endif

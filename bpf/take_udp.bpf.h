/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Datagram flows that were counted in the row of another build (before_udp.bpf.h) are counted in
 * ours from now on: at the socket's next datagram, or when the agent has all sockets looked at.
 * Taken exactly once; ends nothing but what a newer flow has replaced.
 */
#ifndef WEIR_TAKE_UDP_BPF_H
#define WEIR_TAKE_UDP_BPF_H

#include "before_udp.bpf.h"

static __always_inline void udp__lose(__u64 cookie, struct weir_udp_flow *flow) {
    socket__lose(&flow->edge, flow->state == WEIR_FLOW_ON_OTHER);
    udp__spill(cookie, flow);
}

/* Where our row has the same flow as one that the other build had taken over from us, it is counted
 * here again. 0: there is no such flow; *newer: there is another one to the same service. */
static __always_inline int udp__take_back(struct weir_udp_sock *sock,
                                          const struct weir_udp_flow *flow, int *newer) {
    bpf_spin_lock(&sock->lock);
    int index = weir_flow_to(sock->flows, &flow->service_addr, flow->service_port);
    *newer = index >= 0 && index < WEIR_UDP_FLOWS;
    int back = *newer && sock->flows[index].state == WEIR_FLOW_UNTRACKED;
    if (back)
        sock->flows[index] = *flow;
    bpf_spin_unlock(&sock->lock);
    return back;
}

/* A flow that is counted goes into our row. A newer one to the same service ends it; without room
 * it goes on untracked. */
static __always_inline void udp__adopt(struct weir_udp_sock *sock, __u64 cookie,
                                       struct weir_udp_flow *flow) {
    struct weir_udp_flow replaced = {};
    int newer;
    if (udp__take_back(sock, flow, &newer))
        return;
    if (newer) {
        udp__end(flow);
    } else if (udp__keep(sock, flow, &replaced)) {
        udp__end(&replaced);
    } else {
        udp__lose(cookie, flow);
    }
}

/* A flow that is counted in the other build's row, and is not any more. 0: it was not. */
static __always_inline int before__take_flow(char *row, __u32 i, struct weir_udp_flow *flow) {
    __u16 state = before__flow(row, i, flow, WEIR_FLOW_UNTRACKED, BEFORE_NOT_COUNTED);
    return state == WEIR_FLOW_ON_EDGE || state == WEIR_FLOW_ON_OTHER;
}

/* The other row's flow has gone while it was on its way into ours: its socket is closed,
 * and looked into our row too early. */
static __always_inline void udp__end_if_gone(char *row, __u32 i, struct weir_udp_sock *sock,
                                             struct weir_udp_flow *flow) {
    struct weir_vip_key endpoint = {.addr = flow->endpoint_addr, .port = flow->endpoint_port};
    if (before__flow(row, i, flow, BEFORE_NOT_COUNTED, BEFORE_NOT_COUNTED) == WEIR_FLOW_FREE)
        udp__forget(sock, &endpoint, 0);
}

/* Takes over all flows that are still counted in the other build's row. `closing`: the socket may
 * be closed meanwhile; not while it sends, and a sender has not the stack. */
static __always_inline void udp__take_flows(void *sk, __u64 cookie, int closing) {
    char *row = before__udp_row(sk);
    struct weir_udp_flow flow = {};
    if (!row)
        return;
    struct weir_udp_sock *sock =
        bpf_sk_storage_get(&weir_udp_sock, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    if (!sock) {
        BEFORE_EACH_FLOW(i) {
            if (before__take_flow(row, i, &flow))
                udp__lose(cookie, &flow);
        }
        return;
    }
    if (BEFORE_LOAD(__u32, row, weir_udp_at.spilled))
        sock->spilled = 1;
    BEFORE_EACH_FLOW(i) {
        if (before__take_flow(row, i, &flow)) {
            udp__adopt(sock, cookie, &flow);
            if (closing)
                udp__end_if_gone(row, i, sock, &flow);
        }
    }
}

static __noinline int udp__take_flows_of_sender(void *sk, __u64 cookie) {
    udp__take_flows(sk, cookie, 0);
    return 0;
}

/* As udp__recall, of a socket that had its flows from another build. */
static __always_inline int udp__take_and_recall(struct bpf_sock *sk, __u64 cookie,
                                                const struct weir_vip_key *target, __u64 now_ns,
                                                struct weir_udp_flow *flow) {
    udp__take_flows_of_sender(sk, cookie);
    struct weir_udp_sock *sock = bpf_sk_storage_get(&weir_udp_sock, sk, NULL, 0);
    return (sock && udp__recall(sock, target, now_ns, flow)) ||
           udp__recall_before(sk, target, WEIR_SPILL_BY_SERVICE, flow);
}

#endif

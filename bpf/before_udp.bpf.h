/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Datagram flows in the rows of another build (before.bpf.h). What sends takes them over: a flow
 * that is taken stays in the other row as an untracked one, so that programs of the other build and
 * threads in the middle of a call still find its endpoint. Each is counted in one row at a time.
 */
#ifndef WEIR_BEFORE_UDP_BPF_H
#define WEIR_BEFORE_UDP_BPF_H

#include "udp_flows.bpf.h"

#define BEFORE_EACH_FLOW(i) \
    for (__u32 i = 0; i < WEIR_BEFORE_FLOWS_MOST && i < weir_udp_at.count; i++)

#define BEFORE_NOT_COUNTED 0xffff /* the other row's state stays as it is */

/* Copies a flow, and gives the other row's one another state. Under its lock, as all that senders
 * in other threads may be at as well. Returns the state it had. */
static __always_inline __u16 before__flow(char *row, __u32 i, struct weir_udp_flow *flow,
                                          __u16 counted, __u16 untracked) {
    char *at = row + weir_udp_at.flows + i * weir_udp_at.stride;
    bpf_spin_lock((struct bpf_spin_lock *)(row + weir_udp_at.lock));
    BEFORE_COPY_STEERED(flow, at, weir_udp_at.steered);
    flow->mode = BEFORE_LOAD(__u16, at, weir_udp_at.mode);
    flow->used_ns = BEFORE_LOAD(__u64, at, weir_udp_at.used_ns);
    __u16 *state = (__u16 *)(at + weir_udp_at.state);
    flow->state = *state;
    __u16 next = flow->state == WEIR_FLOW_ON_EDGE || flow->state == WEIR_FLOW_ON_OTHER ? counted
                 : flow->state == WEIR_FLOW_UNTRACKED                                  ? untracked
                                                      : BEFORE_NOT_COUNTED;
    if (next != BEFORE_NOT_COUNTED)
        *state = next;
    bpf_spin_unlock((struct bpf_spin_lock *)(row + weir_udp_at.lock));
    return flow->state;
}

/* The socket is closed: its flows end. */
static __always_inline void udp__end_before(void *sk) {
    char *row = before__udp_row(sk);
    if (!row)
        return;
    BEFORE_EACH_FLOW(i) {
        struct weir_udp_flow flow = {};
        before__flow(row, i, &flow, WEIR_FLOW_FREE, WEIR_FLOW_FREE);
        udp__end(&flow);
    }
}

/* As udp__forget. */
static __noinline int udp__forget_before(void *sk, const struct weir_vip_key *target) {
    char *row = before__udp_row(sk);
    if (!row)
        return 0;
    BEFORE_EACH_FLOW(i) {
        struct weir_udp_flow flow = {};
        before__flow(row, i, &flow, BEFORE_NOT_COUNTED, BEFORE_NOT_COUNTED);
        if (!weir_flow_hears_from(&flow, &target->addr, target->port))
            continue;
        before__flow(row, i, &flow, WEIR_FLOW_FREE, WEIR_FLOW_FREE);
        udp__end(&flow);
    }
    return 0;
}

/* Copies the flow to a service address, or the one that an answer belongs to. */
static __noinline int udp__recall_before(struct bpf_sock *sk, const struct weir_vip_key *peer,
                                         __u16 by, struct weir_udp_flow *found) {
    char *row = before__udp_row(sk);
    if (!row)
        return 0;
    BEFORE_EACH_FLOW(i) {
        struct weir_udp_flow flow = {};
        before__flow(row, i, &flow, BEFORE_NOT_COUNTED, BEFORE_NOT_COUNTED);
        if (by == WEIR_SPILL_BY_SERVICE ? !weir_flow_sends_to(&flow, &peer->addr, peer->port)
                                        : !weir_flow_hears_from(&flow, &peer->addr, peer->port))
            continue;
        *found = flow;
        return 1;
    }
    return 0;
}

static __always_inline void udp__lose(__u64 cookie, struct weir_udp_flow *flow) {
    socket__lose(&flow->edge, flow->state == WEIR_FLOW_ON_OTHER);
    udp__spill(cookie, flow);
}

/* A flow that is counted goes into our row. A newer one to the same service ends it; without room
 * it goes on untracked. */
static __always_inline void udp__adopt(struct weir_udp_sock *sock, __u64 cookie,
                                       struct weir_udp_flow *flow) {
    struct weir_udp_flow replaced = {};
    bpf_spin_lock(&sock->lock);
    int newer = weir_flow_to(sock->flows, &flow->service_addr, flow->service_port) >= 0;
    bpf_spin_unlock(&sock->lock);
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

/* Takes over all flows that are still counted in the other build's row. */
static __noinline int udp__take_flows(void *sk, __u64 cookie) {
    char *row = before__udp_row(sk);
    struct weir_udp_flow flow = {};
    if (!row)
        return 0;
    struct weir_udp_sock *sock =
        bpf_sk_storage_get(&weir_udp_sock, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    if (!sock) {
        BEFORE_EACH_FLOW(i) {
            if (before__take_flow(row, i, &flow))
                udp__lose(cookie, &flow);
        }
        return 0;
    }
    if (BEFORE_LOAD(__u32, row, weir_udp_at.spilled))
        sock->spilled = 1;
    BEFORE_EACH_FLOW(i) {
        if (before__take_flow(row, i, &flow))
            udp__adopt(sock, cookie, &flow);
    }
    return 0;
}

/* As udp__recall, of a socket that had its flows from another build. */
static __always_inline int udp__take_and_recall(struct bpf_sock *sk, __u64 cookie,
                                                const struct weir_vip_key *target, __u64 now_ns,
                                                struct weir_udp_flow *flow) {
    udp__take_flows(sk, cookie);
    struct weir_udp_sock *sock = bpf_sk_storage_get(&weir_udp_sock, sk, NULL, 0);
    return (sock && udp__recall(sock, target, now_ns, flow)) ||
           udp__recall_before(sk, target, WEIR_SPILL_BY_SERVICE, flow);
}

#endif

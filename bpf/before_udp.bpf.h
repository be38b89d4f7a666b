/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Datagram flows in the rows of another build (before.bpf.h). A flow that is taken over
 * (take_udp.bpf.h) stays in the other row as an untracked one, so that programs of the other build
 * and threads in the middle of a call still find its endpoint. Each is counted in one row at a
 * time.
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

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The path of a datagram that an unconnected socket sends, with the steps of connect.bpf.h: a flow
 * in use keeps its endpoint; else one is picked. And the way back: whose answer a datagram is.
 * Senders in several threads may run here at once for one socket.
 */
#ifndef WEIR_UDP_BPF_H
#define WEIR_UDP_BPF_H

#include "connect.bpf.h"
#include "udp_flows.bpf.h"

/* Steps 4 and 5. 0, or the errno to refuse with. */
static __always_inline int udp__track(struct bpf_sock *sk, __u64 cookie, struct weir_udp_flow *flow,
                                      const struct service_pick *pick) {
    struct weir_udp_flow replaced = {};
    __u32 on_other;
    struct weir_udp_sock *sock =
        bpf_sk_storage_get(&weir_udp_sock, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    struct weir_edge *edge = edge__find_or_make(&flow->edge, &on_other);
    flow->state = on_other ? WEIR_FLOW_ON_OTHER : WEIR_FLOW_ON_EDGE;
    int kept = sock && udp__keep(sock, flow, &replaced);
    if (!kept && (pick->flags & WEIR_SVC_NEEDS_TRACKING)) {
        reason__count(WEIR_REASON_TRACKING_REQUIRED);
        edge__count_refused(flow->edge.workload, flow->edge.svc_port, pick->born);
        return -WEIR_ENOBUFS; /* 4 */
    }
    if (edge) {
        __sync_fetch_and_add(&edge->opened, 1);
        __sync_fetch_and_add(kept ? &edge->active : &edge->untracked, 1);
    }
    if (kept) {
        socket__add_active(&flow->edge, 1);
        udp__end(&replaced);
    } else {
        reason__count(WEIR_REASON_UDP_SPILLED);
        udp__spill(cookie, flow);
    }
    return 0; /* 5 */
}

/* As connect__steer, for a datagram to `target`. */
static __always_inline int udp__steer(struct bpf_sock *sk, __u64 cookie,
                                      struct weir_vip_key *target, __u32 reach) {
    __u32 svc_port;
    struct weir_udp_flow flow = {};
    struct weir_udp_sock *sock = bpf_sk_storage_get(&weir_udp_sock, sk, NULL, 0);
    if (service__find(target, &svc_port)) {
        if (sock)
            udp__forget(sock, target);
        return WEIR_PASS; /* 1 */
    }
    __u64 now_ns = bpf_ktime_get_ns(); /* not the coarse one: it tells which flow was used last */
    int known = sock && udp__recall(sock, target, now_ns, &flow);
    if (!known && (!sock || sock->spilled))
        known = udp__recall_spilled(cookie, target, now_ns, &flow);
    if (!known || !udp__may_go_on(&flow, svc_port, now_ns)) {
        struct service_pick pick = {};
        service__pick(svc_port, reach, &pick);
        __u32 workload = identity__of_current();
        if (!pick.endpoint) {
            reason__count(pick.reason);
            edge__count_refused(workload, svc_port, pick.born);
            return -WEIR_ECONNREFUSED; /* 3 */
        }
        flow = (struct weir_udp_flow){
            {workload, svc_port, pick.endpoint_id, pick.endpoint->generation},
            target->addr,
            pick.endpoint->addr,
            target->port,
            pick.endpoint->port,
            0,
            now_ns};
        int refused = udp__track(sk, cookie, &flow, &pick);
        if (refused)
            return refused;
    }
    target->addr = flow.endpoint_addr;
    target->port = flow.endpoint_port;
    return WEIR_STEERED; /* 6 */
}

/* Turns the source of a datagram into the service address that its socket sends to. 0: it is not an
 * answer from an endpoint. */
static __always_inline int udp__answer(struct bpf_sock *sk, __u64 cookie,
                                       struct weir_vip_key *source) {
    struct weir_udp_flow flow = {}, spilled = {};
    struct weir_udp_sock *sock = bpf_sk_storage_get(&weir_udp_sock, sk, NULL, 0);
    int found = sock && udp__recall_by_answer(sock, source, &flow);
    struct weir_sock *connected = bpf_sk_storage_get(&weir_sock, sk, NULL, 0);
    if (!found && connected && connected->endpoint_port == source->port &&
        weir_addr_equal(&connected->endpoint_addr, &source->addr)) {
        source->addr = connected->service_addr;
        source->port = connected->service_port;
        return 1;
    }
    if ((!sock || sock->spilled) && udp__recall_spilled_by_answer(cookie, source, &spilled) &&
        (!found || spilled.used_ns > flow.used_ns)) {
        flow = spilled;
        found = 1;
    }
    if (found) {
        source->addr = flow.service_addr;
        source->port = flow.service_port;
    }
    return found;
}

#endif

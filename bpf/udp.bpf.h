/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The path of a datagram that an unconnected socket sends, with the steps of connect.bpf.h: a flow
 * in use keeps its endpoint; else one is picked.
 * Senders in several threads may run here at once for one socket.
 */
#ifndef WEIR_UDP_BPF_H
#define WEIR_UDP_BPF_H

#include "connect.bpf.h"
#include "endpoint_events.bpf.h"
#include "take_udp.bpf.h"
#include "udp_goes_on.bpf.h"

/* The flow needs room in its socket: weir does not only observe it, and its service asks. */
static __always_inline int udp__needs_tracking(const struct weir_udp_flow *flow,
                                               const struct weir_svc_settings *settings) {
    return settings->flags & WEIR_SVC_NEEDS_TRACKING && !weir_flow_is_observed(flow);
}

/* Counted as failed before it was of use. */
static __always_inline int udp__refuse(const struct weir_udp_flow *flow,
                                       const struct weir_svc_settings *settings, __u32 reason,
                                       __u32 failure) {
    reason__count(reason);
    edge__count_refused(flow->edge.workload, flow->edge.svc_port, settings->born, failure);
    return WEIR_REFUSE(failure);
}

/* The service's limits, where weir does not only observe the flow. */
static __always_inline int udp__takes_place(const struct weir_udp_flow *flow,
                                            const struct weir_svc_settings *settings) {
    if (settings && !weir_flow_is_observed(flow))
        return !limits__take_place(&flow->edge, settings);
    active__add(&flow->edge, 1);
    return 1;
}

/* Steps 4 and 5. 0, or the outcome. A function of its own for its stack. */
static __noinline int udp__track(struct bpf_sock *sk, __u64 cookie, struct weir_udp_flow *flow) {
    struct weir_udp_flow replaced = {};
    __u32 on_other;
    struct weir_udp_sock *sock =
        bpf_sk_storage_get(&weir_udp_sock, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    const struct weir_svc_settings *settings = service__settings(flow->edge.svc_port);
    if (sock && !udp__takes_place(flow, settings) && settings)
        return udp__refuse(flow, settings, WEIR_REASON_LIMIT, WEIR_FAILURE_LIMIT); /* 5 */
    struct weir_edge *edge = edge__find_or_make(&flow->edge, &on_other);
    flow->state = on_other ? WEIR_FLOW_ON_OTHER : WEIR_FLOW_ON_EDGE;
    int kept = sock && udp__keep(sock, flow, &replaced);
    if (sock && !kept)
        active__add(&flow->edge, -1);
    if (!kept && settings && udp__needs_tracking(flow, settings))
        return udp__refuse(flow, settings, WEIR_REASON_TRACKING_REQUIRED,
                           WEIR_FAILURE_NO_STORAGE); /* 4 */
    if (edge) {
        __sync_fetch_and_add(&edge->opened, 1);
        __sync_fetch_and_add(kept ? &edge->active : &edge->untracked, 1);
    }
    if (kept) {
        udp__end(&replaced);
        event__flow(WEIR_EVENT_OPENED, flow);
    } else {
        reason__count(WEIR_REASON_UDP_SPILLED);
        udp__spill(cookie, flow);
    }
    return 0; /* 5 */
}

/* `healthy`: HEALTHY_*, of the pick. Before its mark is taken: another ejection is another mark. */
static __always_inline void udp__tell(const struct weir_udp_flow *flow,
                                      const struct weir_svc_settings *settings, __u32 healthy) {
    struct udp_verdict before = udp_try__before(&flow->edge, settings, healthy);
    if (before.event)
        event__of_flows_endpoint(before.event, flow, before.failure);
    if (healthy == HEALTHY_TRIES) {
        reason__count(WEIR_REASON_HALF_OPEN);
        event__of_flows_endpoint(WEIR_EVENT_HALF_OPEN, flow, 0);
    } else if (healthy == HEALTHY_PANICS && event__panic_is_due(flow->edge.svc_port))
        event__of_flows_endpoint(WEIR_EVENT_PANIC, flow, 0);
}

/* Steps 2 and 3 for a datagram without a flow, whose service port is in flow->edge. 0 with the
 * flow, or the outcome. A function of its own for its stack. */
static __noinline int udp__choose(struct bpf_sock_addr *ctx, struct bpf_sock *sk, int is_v6,
                                  const struct weir_vip_key *target, struct weir_udp_flow *flow) {
    __u32 svc_port = flow->edge.svc_port;
    struct connect_choice choice = {};
    int outcome =
        choose__endpoint(ctx, sk, is_v6, svc_port, is_v6 ? WEIR_REACH_V6 : WEIR_REACH_V4, &choice);
    if (outcome < 0)
        event__refused(target, choice.caller.id, svc_port, WEIR_REFUSED_FOR(outcome));
    if (outcome)
        return outcome;
    const struct weir_endpoint *endpoint = choice.pick.endpoint;
    flow->edge = (struct weir_edge_key){choice.caller.id, svc_port, choice.pick.endpoint_id,
                                        endpoint->generation};
    flow->service_addr = target->addr;
    flow->service_port = target->port;
    flow->endpoint_addr = choice.observed ? target->addr : endpoint->addr;
    flow->endpoint_port = choice.observed ? target->port : endpoint->port;
    flow->used_ns = bpf_ktime_get_ns();
    udp__tell(flow, choice.view.settings, choice.pick.healthy);
    flow->mode = weir_flow_mode(mode__of(&choice.view, WEIR_MODE_STEER),
                                udp_try__mark(&flow->edge, choice.pick.healthy));
    return 0;
}

/* As connect__steer, for a datagram to `target`. */
static __always_inline int udp__steer(struct bpf_sock_addr *ctx, struct bpf_sock *sk,
                                      struct weir_vip_key *target, int is_v6) {
    __u32 svc_port;
    struct weir_udp_flow flow = {};
    struct weir_udp_sock *sock = bpf_sk_storage_get(&weir_udp_sock, sk, NULL, 0);
    if (service__find(target, &svc_port)) {
        if (weir_udp_at.present)
            udp__forget_before(sk, target);
        if (sock)
            udp__forget(sock, target, 0);
        return WEIR_PASS; /* 1 */
    }
    __u64 now_ns = bpf_ktime_get_ns(); /* not the coarse one: it tells which flow was used last */
    int known = sock && udp__recall(sock, target, now_ns, &flow);
    if (!known && weir_udp_at.present)
        known = udp__take_and_recall(sk, bpf_get_socket_cookie(ctx), target, now_ns, &flow);
    if (!known && (!sock || sock->spilled))
        known = udp__recall_spilled(bpf_get_socket_cookie(ctx), target, now_ns, &flow);
    if (!known || !udp__may_go_on(&flow, svc_port, is_v6 ? WEIR_REACH_V6 : WEIR_REACH_V4, now_ns)) {
        if (known && sock)
            udp__forget(sock, target, 1); /* the one that follows may need its place */
        flow.edge.svc_port = svc_port;
        int outcome = udp__choose(ctx, sk, is_v6, target, &flow);
        if (outcome)
            return outcome;
        outcome = udp__track(sk, bpf_get_socket_cookie(ctx), &flow);
        if (outcome < 0)
            event__refused(target, flow.edge.workload, svc_port, WEIR_REFUSED_FOR(outcome));
        if (outcome)
            return outcome;
    }
    target->addr = flow.endpoint_addr;
    target->port = flow.endpoint_port;
    return WEIR_STEERED; /* 6 */
}

#endif

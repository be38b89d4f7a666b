/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the flows of datagrams are kept: in their socket, under its lock, or in `udp_spill` where
 * the socket has no room. Picks nothing and refuses nothing.
 */
#ifndef WEIR_UDP_FLOWS_BPF_H
#define WEIR_UDP_FLOWS_BPF_H

#include "core/udp_flow.h"
#include "socket.bpf.h"

/* Copies the flow that the socket has to an address, and marks it as used now. */
static __always_inline int udp__recall(struct weir_udp_sock *sock,
                                       const struct weir_vip_key *target, __u64 now_ns,
                                       struct weir_udp_flow *flow) {
    bpf_spin_lock(&sock->lock);
    int index = weir_flow_to(sock->flows, &target->addr, target->port);
    int found = index >= 0 && index < WEIR_UDP_FLOWS;
    if (found) {
        *flow = sock->flows[index];
        sock->flows[index].used_ns = now_ns;
    }
    bpf_spin_unlock(&sock->lock);
    return found;
}

/* Keeps a flow in its socket; `replaced` is what stood there, to be ended. 0: there is no room. */
static __always_inline int udp__keep(struct weir_udp_sock *sock, const struct weir_udp_flow *flow,
                                     struct weir_udp_flow *replaced) {
    __u64 idle_ns = weir_udp_idle_ns;
    bpf_spin_lock(&sock->lock);
    int room = weir_flow_room(sock->flows, &flow->service_addr, flow->service_port, flow->used_ns,
                              idle_ns);
    int found = room >= 0 && room < WEIR_UDP_FLOWS;
    if (found) {
        *replaced = sock->flows[room];
        sock->flows[room] = *flow;
    } else {
        sock->spilled = 1;
    }
    bpf_spin_unlock(&sock->lock);
    return found;
}

/* Each spilled flow is there twice: by where it sends to, and by where its answers are from. */
static __always_inline void udp__spill(__u64 cookie, struct weir_udp_flow *flow) {
    struct weir_udp_spill_key key = {cookie, flow->service_addr, flow->service_port,
                                     WEIR_SPILL_BY_SERVICE, 0};
    flow->state = WEIR_FLOW_UNTRACKED;
    bpf_map_update_elem(&weir_udp_spill, &key, flow, BPF_ANY);
    key.addr = flow->endpoint_addr;
    key.port = flow->endpoint_port;
    key.by = WEIR_SPILL_BY_ENDPOINT;
    bpf_map_update_elem(&weir_udp_spill, &key, flow, BPF_ANY);
}

/* As udp__recall; a function of its own for its stack. A row of this table may be reused while it
 * is read: what was read must fit. */
static __noinline int udp__recall_spilled(__u64 cookie, const struct weir_vip_key *target,
                                          __u64 now_ns, struct weir_udp_flow *flow) {
    struct weir_udp_spill_key key = {cookie, target->addr, target->port, WEIR_SPILL_BY_SERVICE, 0};
    struct weir_udp_flow *spilled = bpf_map_lookup_elem(&weir_udp_spill, &key);
    if (!spilled)
        return 0;
    *flow = *spilled;
    if (!weir_flow_sends_to(flow, &target->addr, target->port))
        return 0;
    struct weir_udp_flow used = *flow;
    used.used_ns = now_ns;
    udp__spill(cookie, &used);
    return 1;
}

/* Counts the end of a flow that its socket kept. */
static __always_inline void udp__end(const struct weir_udp_flow *flow) {
    if (flow->state != WEIR_FLOW_ON_EDGE && flow->state != WEIR_FLOW_ON_OTHER)
        return;
    socket__count_end(&flow->edge, flow->state == WEIR_FLOW_ON_OTHER, WEIR_END_CLOSED, 0);
    event__flow(WEIR_EVENT_CLOSED, flow);
}

/* The socket is closed. Under its lock, since a take-over may be ending a flow, too. */
static __always_inline void udp__end_all(struct weir_udp_sock *sock) {
    for (int i = 0; i < WEIR_UDP_FLOWS; i++) {
        bpf_spin_lock(&sock->lock);
        struct weir_udp_flow ended = sock->flows[i];
        sock->flows[i].state = WEIR_FLOW_FREE;
        bpf_spin_unlock(&sock->lock);
        udp__end(&ended);
    }
}

/* Ends the flow to a service, which its next datagram begins anew. Or the one to an endpoint, where
 * a datagram goes there by itself: answers from there are not the flow's. */
static __noinline int udp__forget(struct weir_udp_sock *sock, const struct weir_vip_key *target,
                                  int is_service) {
    struct weir_udp_flow forgotten = {};
    bpf_spin_lock(&sock->lock);
    int index = is_service ? weir_flow_to(sock->flows, &target->addr, target->port)
                           : weir_flow_from(sock->flows, &target->addr, target->port);
    if (index >= 0 && index < WEIR_UDP_FLOWS) {
        forgotten = sock->flows[index];
        sock->flows[index].state = WEIR_FLOW_FREE;
    }
    bpf_spin_unlock(&sock->lock);
    udp__end(&forgotten);
    return 0;
}

/* Copies the flow that an answer from `source` belongs to. */
static __always_inline int udp__recall_by_answer(struct weir_udp_sock *sock,
                                                 const struct weir_vip_key *source,
                                                 struct weir_udp_flow *flow) {
    bpf_spin_lock(&sock->lock);
    int index = weir_flow_from(sock->flows, &source->addr, source->port);
    int found = index >= 0 && index < WEIR_UDP_FLOWS;
    if (found)
        *flow = sock->flows[index];
    bpf_spin_unlock(&sock->lock);
    return found;
}

static __always_inline int udp__recall_spilled_by_answer(__u64 cookie,
                                                         const struct weir_vip_key *source,
                                                         struct weir_udp_flow *flow) {
    struct weir_udp_spill_key key = {cookie, source->addr, source->port, WEIR_SPILL_BY_ENDPOINT, 0};
    struct weir_udp_flow *spilled = bpf_map_lookup_elem(&weir_udp_spill, &key);
    if (!spilled)
        return 0;
    *flow = *spilled;
    return weir_flow_hears_from(flow, &source->addr, source->port);
}

#endif

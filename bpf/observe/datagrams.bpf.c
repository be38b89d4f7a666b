/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cgroup_skb: what datagrams between callers and services tell of the services' endpoints, and how
 * many there are and how much is in them, where services ask for that. Attached only while a
 * service does, since every packet of every socket comes by, TCP's too. Never drops a packet.
 */
#include "../maps.bpf.h"

#include "../before_udp.bpf.h"
#include "../service.bpf.h"
#include "../skb_datagrams.bpf.h"
#include "../udp_health.bpf.h"

/* The flow of a connected socket, if it is to that peer. A function of its own for its stack: with
 * it, judging would come beyond the 512 bytes of 6.1 once rows grow. */
static __noinline int datagrams__flow_of_connected(struct bpf_sock *sk,
                                                   const struct weir_vip_key *peer,
                                                   struct weir_udp_flow *flow) {
    struct weir_sock copy;
    __u32 *phase;
    struct weir_sock *sock = socket__find(sk, &copy, &phase);
    if (!sock || sock->endpoint_port != peer->port ||
        !weir_addr_equal(&sock->endpoint_addr, &peer->addr) ||
        (*phase != WEIR_PHASE_ESTABLISHED && *phase != WEIR_PHASE_MOVING))
        return 0;
    flow->edge = sock->edge;
    flow->service_addr = sock->service_addr;
    flow->service_port = sock->service_port;
    flow->endpoint_addr = sock->endpoint_addr;
    flow->endpoint_port = sock->endpoint_port;
    flow->state = sock->on_other ? WEIR_FLOW_ON_OTHER : WEIR_FLOW_ON_EDGE;
    flow->mode = weir_flow_mode(0, sock->asked);
    return 1;
}

/* The socket's flow to an endpoint. 0: weir has no such flow. */
static __always_inline int datagrams__flow(struct __sk_buff *skb, struct bpf_sock *sk,
                                           const struct weir_vip_key *peer,
                                           struct weir_udp_flow *flow) {
    struct weir_udp_sock *sock = bpf_sk_storage_get(&weir_udp_sock, sk, NULL, 0);
    if (sock && udp__recall_by_answer(sock, peer, flow))
        return 1;
    if (weir_udp_at.present && udp__recall_before(sk, peer, WEIR_SPILL_BY_ENDPOINT, flow))
        return 1;
    if (datagrams__flow_of_connected(sk, peer, flow))
        return 1;
    return (!sock || sock->spilled) &&
           udp__recall_spilled_by_answer(bpf_get_socket_cookie(skb), peer, flow);
}

/* What they say of their endpoint. */
static __always_inline void datagrams__judge(const struct weir_udp_flow *flow,
                                             const struct weir_svc_settings *settings,
                                             int outgoing) {
    __u32 mark = weir_flow_mark(flow->mode);
    struct udp_verdict verdict = outgoing ? udp_health__asks(&flow->edge, settings, mark)
                                          : udp_health__answers(&flow->edge, settings, mark);
    if (verdict.event)
        event__of_flows_endpoint(verdict.event, flow, verdict.failure);
}

static __always_inline void datagrams__count(const struct datagrams *seen,
                                             const struct weir_udp_flow *flow, int outgoing) {
    int on_edge;
    struct weir_edge *edge = edge__of(&flow->edge, flow->state == WEIR_FLOW_ON_OTHER, &on_edge);
    if (!edge)
        return;
    __sync_fetch_and_add(outgoing ? &edge->datagrams_sent : &edge->datagrams_received, seen->count);
    __sync_fetch_and_add(outgoing ? &edge->bytes_sent : &edge->bytes_received, seen->bytes);
}

static __noinline int datagrams__look_at(struct __sk_buff *skb, struct bpf_sock *sk, int outgoing) {
    struct datagrams seen = {};
    struct weir_udp_flow flow = {};
    if (datagrams__read(skb, outgoing, &seen)) {
        reason__count(WEIR_REASON_DATAGRAM_UNREAD);
        return 0;
    }
    if (!datagrams__flow(skb, sk, &seen.peer, &flow))
        return 0;
    const struct weir_svc_settings *settings = service__settings(flow.edge.svc_port);
    if (settings && settings->eject_after && !weir_flow_is_observed(&flow))
        datagrams__judge(&flow, settings, outgoing);
    if (settings && settings->flags & WEIR_SVC_COUNTS_DATAGRAMS)
        datagrams__count(&seen, &flow, outgoing);
    return 0;
}

static __always_inline void datagrams__see(struct __sk_buff *skb, int outgoing) {
    struct bpf_sock *sk = skb->sk;
    sk = sk ? bpf_sk_fullsock(sk) : NULL;
    if (sk && sk->protocol == IPPROTO_UDP)
        datagrams__look_at(skb, sk, outgoing);
}

SEC("cgroup_skb/egress")
int weir_egress(struct __sk_buff *skb) {
    datagrams__see(skb, 1);
    return 1;
}

SEC("cgroup_skb/ingress")
int weir_ingress(struct __sk_buff *skb) {
    datagrams__see(skb, 0);
    return 1;
}

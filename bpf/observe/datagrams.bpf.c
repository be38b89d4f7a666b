/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cgroup_skb: counts the datagrams and their payload between callers and the services that ask for
 * it, both ways. Attached only while a service asks, since every packet of every socket comes by,
 * TCP's too. Never drops a packet.
 */
#include "../maps.bpf.h"

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "../before_udp.bpf.h"
#include "../service.bpf.h"

#define ETH_P_IPV6 0x86dd

/* A packet as it is at this hook: one datagram, or several that the kernel splits later, or has put
 * together, with one header for all. */
struct datagrams {
    struct weir_vip_key peer;
    __u32 count, bytes;
};

/* The IP header's length and the peer's address; 0: it is no UDP header that follows. */
static __always_inline __u32 datagrams__read_v4(struct __sk_buff *skb, int outgoing,
                                                struct weir_addr *peer) {
    struct iphdr ip;
    if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)) || ip.protocol != IPPROTO_UDP)
        return 0;
    *peer = weir_addr_from_v4(outgoing ? ip.daddr : ip.saddr);
    return ip.ihl * 4;
}

static __always_inline __u32 datagrams__read_v6(struct __sk_buff *skb, int outgoing,
                                                struct weir_addr *peer) {
    struct ipv6hdr ip;
    if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)) || ip.nexthdr != IPPROTO_UDP)
        return 0;
    __builtin_memcpy(peer, outgoing ? &ip.daddr : &ip.saddr, sizeof(*peer));
    return sizeof(ip);
}

static __always_inline int datagrams__read(struct __sk_buff *skb, int outgoing,
                                           struct datagrams *seen) {
    struct udphdr udp;
    __u32 length = skb->len, segments = skb->gso_segs;
    __u32 header = skb->protocol == __builtin_bswap16(ETH_P_IPV6)
                       ? datagrams__read_v6(skb, outgoing, &seen->peer.addr)
                       : datagrams__read_v4(skb, outgoing, &seen->peer.addr);
    if (!header || bpf_skb_load_bytes(skb, header, &udp, sizeof(udp)))
        return -1;
    header += sizeof(udp);
    seen->peer.port = outgoing ? udp.dest : udp.source;
    seen->bytes = length > header ? length - header : 0;
    seen->count = segments ? segments : 1;
    return 0;
}

/* The edge of the socket's flow to an endpoint. 0: weir has no such flow. */
static __always_inline int datagrams__edge(struct __sk_buff *skb, struct bpf_sock *sk,
                                           const struct weir_vip_key *peer,
                                           struct weir_edge_key *edge, int *on_other) {
    struct weir_udp_flow flow = {};
    struct weir_udp_sock *sock = bpf_sk_storage_get(&weir_udp_sock, sk, NULL, 0);
    int found = sock && udp__recall_by_answer(sock, peer, &flow);
    if (!found && weir_udp_at.present)
        found = udp__recall_before(sk, peer, WEIR_SPILL_BY_ENDPOINT, &flow);
    if (!found) {
        struct weir_sock copy;
        __u32 *phase;
        struct weir_sock *connected = socket__find(sk, &copy, &phase);
        if (connected && connected->endpoint_port == peer->port &&
            weir_addr_equal(&connected->endpoint_addr, &peer->addr)) {
            *edge = connected->edge;
            *on_other = connected->on_other;
            return *phase == WEIR_PHASE_ESTABLISHED || *phase == WEIR_PHASE_MOVING;
        }
        if (!sock || sock->spilled)
            found = udp__recall_spilled_by_answer(bpf_get_socket_cookie(skb), peer, &flow);
    }
    *edge = flow.edge;
    *on_other = flow.state == WEIR_FLOW_ON_OTHER;
    return found;
}

static __noinline int datagrams__count(struct __sk_buff *skb, struct bpf_sock *sk, int outgoing) {
    struct datagrams seen = {};
    struct weir_edge_key key;
    int on_other, on_edge;
    if (datagrams__read(skb, outgoing, &seen)) {
        reason__count(WEIR_REASON_DATAGRAM_UNREAD);
        return 0;
    }
    if (!datagrams__edge(skb, sk, &seen.peer, &key, &on_other))
        return 0;
    const struct weir_svc_settings *settings = service__settings(key.svc_port);
    if (!settings || !(settings->flags & WEIR_SVC_COUNTS_DATAGRAMS))
        return 0;
    struct weir_edge *edge = edge__of(&key, on_other, &on_edge);
    if (!edge)
        return 0;
    __sync_fetch_and_add(outgoing ? &edge->datagrams_sent : &edge->datagrams_received, seen.count);
    __sync_fetch_and_add(outgoing ? &edge->bytes_sent : &edge->bytes_received, seen.bytes);
    return 0;
}

static __always_inline void datagrams__see(struct __sk_buff *skb, int outgoing) {
    struct bpf_sock *sk = skb->sk;
    sk = sk ? bpf_sk_fullsock(sk) : NULL;
    if (sk && sk->protocol == IPPROTO_UDP)
        datagrams__count(skb, sk, outgoing);
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

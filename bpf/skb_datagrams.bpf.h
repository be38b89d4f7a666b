/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reading the headers of datagrams at cgroup_skb, where a packet begins with its IP header. Knows
 * nothing of services.
 */
#ifndef WEIR_SKB_DATAGRAMS_BPF_H
#define WEIR_SKB_DATAGRAMS_BPF_H

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "core/addr.h"

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

#endif

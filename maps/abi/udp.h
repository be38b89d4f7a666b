/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Datagrams of unconnected sockets: a flow is what one socket sends to one service address, and it
 * keeps its endpoint while it is used. Written by the kernel only. Flows live in the socket, and
 * end with it; those that find no room there go to `udp_spill`, where their end is not seen.
 */
#ifndef WEIR_ABI_UDP_H
#define WEIR_ABI_UDP_H

#include <linux/bpf.h>

#include "edge.h"

/* weir_udp_flow.state */
#define WEIR_FLOW_FREE 0
#define WEIR_FLOW_ON_EDGE 1   /* counted on its edge, and ended there */
#define WEIR_FLOW_ON_OTHER 2  /* counted on the service port's `other`, and ended there */
#define WEIR_FLOW_UNTRACKED 3 /* in `udp_spill`: counted as untracked when it began */

struct weir_udp_flow {
    struct weir_edge_key edge;
    struct weir_addr service_addr; /* what the application sends to, and sees answers from */
    struct weir_addr endpoint_addr;
    __be16 service_port;
    __be16 endpoint_port;
    __u16 state;   /* WEIR_FLOW_* */
    __u16 mode;    /* WEIR_MODE_* of node and service when it began: another one ends it. Above it,
                      the mark of a try (core/try_mark.h) */
    __u64 used_ns; /* CLOCK_MONOTONIC of the last datagram sent */
};
WEIR_ASSERT(sizeof(struct weir_udp_flow) == 64);

#define WEIR_UDP_FLOWS 4

/* Value of `udp_sock`: senders in several threads share it, so it has a lock. */
struct weir_udp_sock {
    struct bpf_spin_lock lock;
    __u32 spilled; /* 1: flows of this socket are in `udp_spill` */
    struct weir_udp_flow flows[WEIR_UDP_FLOWS];
    __u64 reserved[2];
};
WEIR_ASSERT(sizeof(struct weir_udp_sock) == 280);

#define WEIR_SPILL_BY_SERVICE 0
#define WEIR_SPILL_BY_ENDPOINT 1

/* Key of `udp_spill`: each flow is found by the address it sends to and by that of its answers. */
struct weir_udp_spill_key {
    __u64 cookie;
    struct weir_addr addr;
    __be16 port;
    __u16 by; /* WEIR_SPILL_BY_* */
    __u32 pad;
};
WEIR_ASSERT(sizeof(struct weir_udp_spill_key) == 32);

#endif

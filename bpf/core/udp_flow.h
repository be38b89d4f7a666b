/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which of a socket's datagram flows is meant, and which room a new one takes. Compiled for the
 * kernel and natively; no maps, no context. Callers hold the socket's lock, under which kernel
 * 6.1 allows no calls: everything here is inlined.
 */
#ifndef WEIR_CORE_UDP_FLOW_H
#define WEIR_CORE_UDP_FLOW_H

#include "../../maps/abi/udp.h"
#include "addr.h"

#define WEIR_INLINE static inline __attribute__((always_inline))

/* An endpoint is kept until a flow was not used for so long; 0: it is looked for each time. */
WEIR_INLINE int weir_flow_is_idle(const struct weir_udp_flow *flow, __u64 now_ns, __u64 idle_ns) {
    return now_ns >= flow->used_ns && now_ns - flow->used_ns >= idle_ns;
}

WEIR_INLINE int weir_flow_sends_to(const struct weir_udp_flow *flow, const struct weir_addr *addr,
                                   __be16 port) {
    return flow->state != WEIR_FLOW_FREE && flow->service_port == port &&
           weir_addr_equal(&flow->service_addr, addr);
}

WEIR_INLINE int weir_flow_hears_from(const struct weir_udp_flow *flow, const struct weir_addr *addr,
                                     __be16 port) {
    return flow->state != WEIR_FLOW_FREE && flow->endpoint_port == port &&
           weir_addr_equal(&flow->endpoint_addr, addr);
}

/* Weir has left it alone: its datagrams go where the application sends them. */
WEIR_INLINE int weir_flow_is_observed(const struct weir_udp_flow *flow) {
    return flow->endpoint_port == flow->service_port &&
           weir_addr_equal(&flow->endpoint_addr, &flow->service_addr);
}

/* The flow to an address, or -1. */
WEIR_INLINE int weir_flow_to(const struct weir_udp_flow flows[WEIR_UDP_FLOWS],
                             const struct weir_addr *addr, __be16 port) {
    for (int i = 0; i < WEIR_UDP_FLOWS; i++)
        if (weir_flow_sends_to(&flows[i], addr, port))
            return i;
    return -1;
}

/* The flow that an answer belongs to, or -1; of two to one endpoint, the one used last. */
WEIR_INLINE int weir_flow_from(const struct weir_udp_flow flows[WEIR_UDP_FLOWS],
                               const struct weir_addr *addr, __be16 port) {
    int found = -1;
    __u64 used_ns = 0;
    for (int i = 0; i < WEIR_UDP_FLOWS; i++) {
        if (!weir_flow_hears_from(&flows[i], addr, port) || flows[i].used_ns < used_ns)
            continue;
        used_ns = flows[i].used_ns;
        found = i;
    }
    return found;
}

/* Room for a flow to an address: its own of before, a free one, an idle one; else -1. */
WEIR_INLINE int weir_flow_room(const struct weir_udp_flow flows[WEIR_UDP_FLOWS],
                               const struct weir_addr *addr, __be16 port, __u64 now_ns,
                               __u64 idle_ns) {
    int room = weir_flow_to(flows, addr, port);
    for (int i = 0; i < WEIR_UDP_FLOWS && room < 0; i++)
        if (flows[i].state == WEIR_FLOW_FREE)
            room = i;
    for (int i = 0; i < WEIR_UDP_FLOWS && room < 0; i++)
        if (weir_flow_is_idle(&flows[i], now_ns, idle_ns))
            room = i;
    return room;
}

#endif

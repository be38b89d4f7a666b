/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Pure helpers on addresses: IPv4 as ::ffff:a.b.c.d, and which families a socket can reach.
 * Compiled for the kernel and natively; no maps, no context.
 */
#ifndef WEIR_CORE_ADDR_H
#define WEIR_CORE_ADDR_H

#include "../../maps/abi/base.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define WEIR_V4_PREFIX 0xffff0000u /* htonl(0xffff) */
#else
#define WEIR_V4_PREFIX 0x0000ffffu
#endif

/* What a socket can connect to. */
#define WEIR_REACH_V4 1u
#define WEIR_REACH_V6 2u
#define WEIR_REACH_BOTH 3u

static inline struct weir_addr weir_addr_from_v4(__be32 v4) {
    struct weir_addr addr = {{0, 0, WEIR_V4_PREFIX, v4}};
    return addr;
}

static inline int weir_addr_is_v4(const struct weir_addr *addr) {
    return addr->w[0] == 0 && addr->w[1] == 0 && addr->w[2] == WEIR_V4_PREFIX;
}

static inline int weir_addr_is_any(const struct weir_addr *addr) {
    return addr->w[0] == 0 && addr->w[1] == 0 && addr->w[2] == 0 && addr->w[3] == 0;
}

/* Also called under a spin lock, where kernel 6.1 allows no calls. */
static inline __attribute__((always_inline)) int weir_addr_equal(const struct weir_addr *a,
                                                                 const struct weir_addr *b) {
    return a->w[0] == b->w[0] && a->w[1] == b->w[1] && a->w[2] == b->w[2] && a->w[3] == b->w[3];
}

/*
 * Families that an AF_INET6 socket can reach: IPV6_V6ONLY takes IPv4 away, and a socket bound to an
 * address reaches only that address's family (the kernel answers ENETUNREACH otherwise).
 */
static inline __u32 weir_reach_of_v6_socket(int v6only, const struct weir_addr *bound) {
    if (v6only)
        return WEIR_REACH_V6;
    if (weir_addr_is_any(bound))
        return WEIR_REACH_BOTH;
    return weir_addr_is_v4(bound) ? WEIR_REACH_V4 : WEIR_REACH_V6;
}

#endif

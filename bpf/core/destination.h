/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where an address is that belongs to no service, as far as the address itself says. Compiled for
 * the kernel and natively; no maps, no context.
 */
#ifndef WEIR_CORE_DESTINATION_H
#define WEIR_CORE_DESTINATION_H

#include "../../maps/abi/unmanaged.h"
#include "addr.h"

/* The first 32 bits of an address in host byte order. */
static inline __u32 weir_first_word(__be32 word) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return __builtin_bswap32(word);
#else
    return word;
#endif
}

static inline __u32 weir_destination_of_v4(__u32 addr) {
    if (addr >> 24 == 127 || addr == 0) /* connect() to 0.0.0.0 is one to this host */
        return WEIR_DESTINATION_NODE;
    if (addr >> 24 == 10 || addr >> 20 == 0xac1 || addr >> 16 == 0xc0a8 || /* RFC 1918 */
        addr >> 22 == 0x191 ||                                             /* 100.64.0.0/10 */
        addr >> 16 == 0xa9fe)                                              /* 169.254.0.0/16 */
        return WEIR_DESTINATION_PRIVATE;
    return WEIR_DESTINATION_OUTSIDE;
}

static inline __u32 weir_destination(const struct weir_addr *addr) {
    if (weir_addr_is_v4(addr))
        return weir_destination_of_v4(weir_first_word(addr->w[3]));
    __u32 first = weir_first_word(addr->w[0]), last = weir_first_word(addr->w[3]);
    if (!addr->w[0] && !addr->w[1] && !addr->w[2] && last <= 1)
        return WEIR_DESTINATION_NODE;
    if (first >> 25 == 0x7e || first >> 22 == 0x3fa) /* fc00::/7, fe80::/10 */
        return WEIR_DESTINATION_PRIVATE;
    return WEIR_DESTINATION_OUTSIDE;
}

#endif

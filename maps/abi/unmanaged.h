/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connects that go to no service, by caller and class of destination: key and value of `unmanaged`.
 * Written by the kernel only, with atomics.
 */
#ifndef WEIR_ABI_UNMANAGED_H
#define WEIR_ABI_UNMANAGED_H

#include "base.h"

#define WEIR_DESTINATION_NODE 0    /* loopback: this node, or this pod */
#define WEIR_DESTINATION_PRIVATE 1 /* RFC 1918, RFC 6598, link-local, unique local */
#define WEIR_DESTINATION_OUTSIDE 2
#define WEIR_DESTINATIONS 3

struct weir_unmanaged_key {
    __u32 workload;    /* 0 = unknown */
    __u16 destination; /* WEIR_DESTINATION_* */
    __u8 proto;        /* WEIR_PROTO_* */
    __u8 pad;          /* 0 */
};
WEIR_ASSERT(sizeof(struct weir_unmanaged_key) == 8);

struct weir_unmanaged {
    __u64 connects;
};
WEIR_ASSERT(sizeof(struct weir_unmanaged) == 8);

/* Fixed: what finds no room is counted as a reason. */
#define WEIR_UNMANAGED_ROWS 4096

#endif

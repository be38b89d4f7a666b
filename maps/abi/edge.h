/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An edge is (client workload, service port, endpoint); its counters are written by the kernel
 * only, with atomics, and are append-only: fields are never moved or reused.
 */
#ifndef WEIR_ABI_EDGE_H
#define WEIR_ABI_EDGE_H

#include "base.h"

/* weir_edge_key.endpoint of connects that no endpoint was picked for. */
#define WEIR_NO_ENDPOINT 0xffffffffu

struct weir_edge_key {
    __u32 workload;   /* 0 = unknown */
    __u32 svc_port;   /* row of `svc_port` */
    __u32 endpoint;   /* row of `endpoint`, or WEIR_NO_ENDPOINT */
    __u32 generation; /* weir_endpoint.generation; weir_svc_settings.born without an endpoint */
};
WEIR_ASSERT(sizeof(struct weir_edge_key) == 16);

/* opened = closed + failed + active + untracked, at any time when nothing is in flight. */
struct weir_edge {
    __u64 opened;    /* connects that weir answered for this edge */
    __u64 closed;    /* of them: established, and ended */
    __u64 failed;    /* of them: ended before they were established */
    __u64 active;    /* of them: not ended yet */
    __u64 untracked; /* of them: socket storage was refused, their end is unknown */
    __u64 reserved[3];
};
WEIR_ASSERT(sizeof(struct weir_edge) == 64);

#endif

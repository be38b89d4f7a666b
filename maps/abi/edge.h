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
/* … of those to endpoints that left, all together (bpf/observe/fold.bpf.c). */
#define WEIR_LEFT_ENDPOINTS 0xfffffffeu

struct weir_edge_key {
    __u32 workload;   /* 0 = unknown, or WEIR_WORKLOAD_DEPARTED */
    __u32 svc_port;   /* row of `svc_port` */
    __u32 endpoint;   /* row of `endpoint`, WEIR_NO_ENDPOINT or WEIR_LEFT_ENDPOINTS */
    __u32 generation; /* weir_endpoint.generation; weir_svc_settings.born without an endpoint */
};
WEIR_ASSERT(sizeof(struct weir_edge_key) == 16);

/* Input of the program `weir_fold`, as a packet. */
struct weir_fold_request {
    struct weir_edge_key edge, into;
};
WEIR_ASSERT(sizeof(struct weir_fold_request) == 32);

/* Why a connect failed: place in weir_edge.failed_by. Places are never moved or reused. */
#define WEIR_FAILURE_REFUSED 0     /* the endpoint answered with a reset */
#define WEIR_FAILURE_TIMEOUT 1     /* no answer to any SYN */
#define WEIR_FAILURE_UNREACHABLE 2 /* a router, or the neighbour that is not there, said so */
#define WEIR_FAILURE_RESET 3       /* established, and reset before a byte came from the endpoint */
#define WEIR_FAILURE_ABANDONED 4   /* the caller closed the socket while SYNs were sent */
#define WEIR_FAILURE_LOCAL 5       /* no SYN was sent: no route, no port */
#define WEIR_FAILURE_NO_ENDPOINT 6 /* refused here: no endpoint that the socket can reach */
#define WEIR_FAILURE_NO_STORAGE 7  /* refused here: no socket storage, and the service needs it */
#define WEIR_FAILURE_LIMIT 8       /* refused here: as many connections as there may be */
#define WEIR_FAILURE_RATE 9        /* refused here: the caller connects too often */
#define WEIR_FAILURES 10
#define WEIR_FAILURE_OTHER WEIR_FAILURES /* in no place: what `failed` has more than their sum */

/* opened = closed + failed + active + untracked, at any time when nothing is in flight. */
struct weir_edge {
    __u64 opened;    /* connects that weir answered for this edge */
    __u64 closed;    /* of them: established, and ended */
    __u64 failed;    /* of them: ended before they were of use, see WEIR_FAILURE_* */
    __u64 active;    /* of them: not ended yet */
    __u64 untracked; /* of them: socket storage was refused, their end is unknown */
    __u64 failed_by[WEIR_FAILURES];
    /* Payload, without what was sent again: when a connection ends, and every few seconds before.
     * Of datagrams where the service asks (WEIR_SVC_COUNTS_DATAGRAMS), as they come and go. */
    __u64 bytes_sent;      /* by the caller */
    __u64 bytes_received;  /* by the caller */
    __u64 retransmits;     /* segments that the caller's side sent again, SYNs included */
    __u64 resets_sent;     /* connections that the caller's side cut off */
    __u64 resets_received; /* connections that the endpoint, or the network, cut off */
    __u64 datagrams_sent;  /* by the caller, where the service asks */
    __u64 datagrams_received;
};
WEIR_ASSERT(sizeof(struct weir_edge) == 176);

#endif

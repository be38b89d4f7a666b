/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One event of one connection or flow, as it is put into the ring `events`. Written by the kernel
 * only, read once by the agent. An agent passes over events of a build with another ABI version,
 * which `abi` tells: the first two fields never move.
 */
#ifndef WEIR_ABI_EVENT_H
#define WEIR_ABI_EVENT_H

#include "edge.h"

#define WEIR_EVENT_OPENED 1 /* an endpoint was picked */
#define WEIR_EVENT_FAILED 2 /* counted as failed, or refused by weir */
#define WEIR_EVENT_CLOSED 3 /* it was established, and its last byte was seen */
/* Of an endpoint, with the connect that showed it: */
#define WEIR_EVENT_EJECTED 7   /* by outlier detection, `failure` being the last straw */
#define WEIR_EVENT_RESTORED 8  /* a connection that went well brought it back */
#define WEIR_EVENT_HALF_OPEN 9 /* a connect tries it */
#define WEIR_EVENT_PANIC 10    /* all are out and are used; once a second for a service port */
/* No events, but how a connection is when it is asked for (bpf/observe/list.bpf.c): */
#define WEIR_EVENT_CONNECTS 4 /* its handshake is not complete */
#define WEIR_EVENT_LIVES 5
#define WEIR_EVENT_CLOSES 6 /* one side has closed it */

struct weir_event {
    __u32 abi;        /* WEIR_ABI_VERSION */
    __u32 kind;       /* WEIR_EVENT_* */
    __u64 at_ns;      /* CLOCK_MONOTONIC, as all times */
    __u64 started_ns; /* connect() or the first datagram; 0 = not known */
    struct weir_edge_key edge;
    struct weir_addr service_addr;
    struct weir_addr endpoint_addr; /* 0 where none was picked */
    __be16 service_port;
    __be16 endpoint_port;
    __u8 protocol;   /* WEIR_PROTO_* */
    __u8 failure;    /* WEIR_FAILURE_*, where it failed */
    __u8 cut_off_by; /* WEIR_CUT_OFF_BY_*, where it was closed */
    __u8 deadline;   /* WEIR_DEADLINE_*, where it ended for one */
    /* Of a TCP connection that was closed: */
    __u64 sent, received; /* bytes of payload, by the caller */
    __u32 retransmits;
    __u32 rtt_us;        /* smoothed; 0 = not known */
    __u32 connect_us;    /* 0 = not known */
    __u32 first_byte_us; /* the longest of its answers took so long; 0 = not sampled */
};
WEIR_ASSERT(sizeof(struct weir_event) == 112);

/* 2,184 events: 100 ms of 20 services at the default bound of each. */
#define WEIR_EVENT_RING_BYTES (1u << 18)

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where another build of weir has the fields of the rows that its programs wrote: byte offsets,
 * found by name in the type information that it left (maps/layout.h). Settings of the programs, set
 * before they are loaded. They live for as long as one build takes over from another.
 */
#ifndef WEIR_ABI_BEFORE_H
#define WEIR_ABI_BEFORE_H

#include "base.h"

/* The other build has no such field: it reads as 0. */
#define WEIR_NOWHERE 0xffffffffu

/* What weir_sock and weir_udp_flow have in common. */
struct weir_before_steered {
    __u32 workload, svc_port, endpoint, generation; /* of the edge */
    __u32 service_addr, endpoint_addr;
    __u32 service_port, endpoint_port;
};

struct weir_before_sock {
    __u32 present; /* 1: sockets may have a row in the table `sock` of the other build */
    __u32 phase;
    __u32 on_other;
    __u32 sent, received, retransmits, started_ns;
    __u32 connect_us, first_byte_us, told, protocol, user_ms;
    struct weir_before_steered steered;
};

struct weir_before_udp {
    __u32 present; /* 1: as above, for the table `udp_sock` */
    __u32 lock, spilled;
    __u32 flows, stride, count; /* offset of the first flow, bytes to the next, how many */
    __u32 state, mode, used_ns; /* these and the following are relative to a flow */
    struct weir_before_steered steered;
};

/* A loop over flows of another build ends here. */
#define WEIR_BEFORE_FLOWS_MOST 16

/* Where counters that follow one another are in the row of the other build, and where in ours. */
struct weir_before_counter {
    __u32 from, to; /* from WEIR_NOWHERE: the list ends */
    __u32 width;    /* bytes of each: 4 or 8 */
    __u32 count;    /* at most WEIR_BEFORE_RUN_MOST */
};
#define WEIR_BEFORE_COUNTERS 32
#define WEIR_BEFORE_RUN_MOST 128

struct weir_before_counters {
    struct weir_before_counter edge[WEIR_BEFORE_COUNTERS];
    struct weir_before_counter svc_state[WEIR_BEFORE_COUNTERS];
    struct weir_before_counter ep_state[WEIR_BEFORE_COUNTERS];
    struct weir_before_counter latency[WEIR_BEFORE_COUNTERS];
    struct weir_before_counter unmanaged[WEIR_BEFORE_COUNTERS];
    __u32 ep_generation; /* weir_ep_state.generation in the row of the other build */
    __u32 pad;
};

/* Input of the programs `weir_merge_*`, as a packet: which row of the other build's table is
 * added to which of ours. */
#define WEIR_BEFORE_KEY_MAX 64
struct weir_merge_request {
    __u8 from[WEIR_BEFORE_KEY_MAX]; /* key in the other build's table */
    __u8 to[WEIR_BEFORE_KEY_MAX];   /* key in ours */
    __u32 cpu;                      /* of a table that is per CPU */
    __u32 pad;
};
WEIR_ASSERT(sizeof(struct weir_merge_request) == 136);

#endif

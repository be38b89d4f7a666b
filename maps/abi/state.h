/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel knows of endpoints, service ports and sockets. Written by the kernel only, with
 * atomics; user space reads, writes the first row of a service port or an endpoint, while nobody
 * can reach it yet, and ejects and restores endpoints by hand, in aligned words.
 * Append-only: fields are never moved or reused, so that two builds of the programs can work on the
 * same rows while links are updated one by one.
 */
#ifndef WEIR_ABI_STATE_H
#define WEIR_ABI_STATE_H

#include "base.h"
#include "edge.h"

/* Row of `ep_state`, parallel to `endpoint`. */
struct weir_ep_state {
    __u32 generation; /* of the endpoint that the row is of, or that was picked last */
    __u32 tried_ms; /* CLOCK_MONOTONIC, low half: when it was last tried in spite of its latency */
    __u64 active;   /* tracked sockets that hold this row; it is not reused before this is 0 */
    /* Outlier detection (bpf/health.bpf.h), of the endpoint of `generation`. */
    __u64 ejected_until_ns; /* CLOCK_MONOTONIC, WEIR_UNTIL_*; 0 = it is in. Then one may try it */
    __u64 changed_ns;       /* when it was ejected, came back, or came */
    __u32 failures;         /* connects that failed, in a row */
    __u32 resets;           /* TCP: connections that were reset before a byte came, in a row.
                               UDP: what it owes: core/ask.h */
    __u32 ejections;        /* in a row: each lasts longer */
    __u32 failing;          /* since when `failures` are: core/own_fault.h */
    __u64 latency_word;     /* how long it takes to answer: core/least_latency.h */
    __u64 held_until_ns;    /* CLOCK_MONOTONIC: out by hand until then; 0 = not. User space only */
    __u64 window;           /* connects and failures, where its service asks: core/failure_rate.h */
    __u32 moved_from;       /* the row that the endpoint had before its service port got more of
                               them, and 1, while connections hold that one; 0 = none. User space only */
    __u32 pad;              /* 0 */
};
WEIR_ASSERT(sizeof(struct weir_ep_state) == 80);

/* So many rows before the one that it has are looked at. */
#define WEIR_ROWS_BEFORE_MOST 3

#define WEIR_GROUP_TURNS 8

/* Row of `svc_state`, parallel to `svc_port`. */
struct weir_svc_state {
    struct weir_edge other; /* what found no room in `edge`; first, so that a NULL check suffices */
    __u64 cursor;           /* round-robin position of sockets that reach both families */
    __u64 cursor_v4;        /* … of sockets that reach one family only: each walks a schedule */
    __u64 cursor_v6;        /* of its own */
    __u64 events;           /* second, and in its low half the events in it (bpf/events.bpf.h) */
    __u64 ejections;        /* of its endpoints; 0: none was ever out */
    __u64 active;           /* tracked sockets; below 0 as a signed number for a while, after a
                               build that did not count them */
    __u64 panicked_ns;      /* CLOCK_MONOTONIC: when it was last told that it is in panic */
    __u64 panic_word;       /* whether too few of its endpoints are in: core/health.h */
    __u64 subset_turn;      /* connects that were given a subset by their turn */
    __u64 group_turns[WEIR_GROUP_TURNS]; /* as `cursor`, of groups of endpoints: core/subset.h */
};
WEIR_ASSERT(sizeof(struct weir_svc_state) == 312);

/* Whose network works: key and value of `answered`. */
struct weir_answered_key {
    __u64 netns;    /* cookie of the callers' network namespace; 0: of UDP, the whole node */
    __u32 svc_port; /* of one whose endpoints may be ejected; or WEIR_ANSWERED_ANY */
    __u32 pad;      /* 0 */
};
WEIR_ASSERT(sizeof(struct weir_answered_key) == 16);
#define WEIR_ANSWERED_ANY 0xffffffffu

struct weir_answered {
    __u64 at_ns; /* CLOCK_MONOTONIC: the last handshake, or answer, within some milliseconds */
};
WEIR_ASSERT(sizeof(struct weir_answered) == 8);

/* Fixed: the namespaces and service ports that were used last. */
#define WEIR_ANSWERED_ROWS 8192

/* How often a client workload may connect to a service port: key and value of `rate`. */
struct weir_rate_key {
    __u32 workload;
    __u32 svc_port;
};
WEIR_ASSERT(sizeof(struct weir_rate_key) == 8);

struct weir_rate {
    __u64 due_ns; /* core/rate_limit.h */
};
WEIR_ASSERT(sizeof(struct weir_rate) == 8);

/* Fixed: the callers that came last. Who has not come for long owes nothing any more. */
#define WEIR_RATE_ROWS 16384

/* Which endpoint a client of a service with affinity keeps: key and value of `affinity`. */
struct weir_affinity_key {
    __u64 client; /* core/client.h */
    __u32 svc_port;
    __u32 reach; /* WEIR_REACH_*: sockets of each family keep one of their own */
};
WEIR_ASSERT(sizeof(struct weir_affinity_key) == 16);

struct weir_affinity {
    __u32 endpoint;
    __u32 generation; /* weir_endpoint.generation */
    __u64 used_ns;    /* coarse CLOCK_MONOTONIC of the last connect */
};
WEIR_ASSERT(sizeof(struct weir_affinity) == 16);

/* weir_sock.phase: core/connection.h says how it moves. */
#define WEIR_PHASE_DONE 0        /* counted as ended, or never counted */
#define WEIR_PHASE_PICKED 1      /* endpoint picked, no SYN yet */
#define WEIR_PHASE_SYN_SENT 2    /* the kernel sends SYNs */
#define WEIR_PHASE_ESTABLISHED 3 /* handshake complete */
#define WEIR_PHASE_MOVING 4      /* being taken over from another build: its phase is there */

#define WEIR_DEADLINE_NONE 0      /* weir_sock.deadline, weir_event.deadline */
#define WEIR_DEADLINE_USER 1      /* timeouts.tcpUser */
#define WEIR_DEADLINE_IDLE 2      /* timeouts.idle */
#define WEIR_DEADLINE_KEEPALIVE 3 /* timeouts.keepalive: nobody answers its probes */
#define WEIR_DEADLINE_CONNECT 4   /* timeouts.connect: it failed */
#define WEIR_KEEPS_ALIVE 1        /* weir_sock.keeps_alive: SO_KEEPALIVE; and its numbers */
#define WEIR_KEEPS_TIME 2
#define WEIR_KEEPS_INTERVAL 4
#define WEIR_KEEPS_PROBES 8

/* Value of `sock`: one socket's connection through a service. */
struct weir_sock {
    __u32 phase;   /* WEIR_PHASE_*, changed by exchange only: an end is counted once */
    __u32 sampled; /* above 0: the first bytes of its answers are timed (core/latency.h) */
    struct weir_edge_key edge;
    struct weir_addr service_addr; /* what the application asked for, and getpeername answers */
    struct weir_addr endpoint_addr;
    __be16 service_port;
    __be16 endpoint_port;
    __u32 on_other; /* 1: counted on the service port's `other`, and ended there */
    /* What of it is on the edge already; changed by exchange only, so that it is added once. */
    __u64 sent, received;
    __u32 retransmits;
    __u32 asked;         /* tcp_sock.snd_nxt when its last answer began; UDP: the mark of a try
                            (core/try_mark.h), 0 = its endpoint was in */
    __u64 started_ns;    /* CLOCK_MONOTONIC of the connect; 0 = it is over, or not TCP */
    __u64 heard_ns;      /* when the last new byte came, where `sampled` */
    __u32 connect_us;    /* its handshake took; 0 = not established, or not to be told of */
    __u32 first_byte_us; /* the longest of its answers; 0 = none was sampled */
    __u32 told;          /* 1: its beginning and its end are events */
    __u32 protocol;      /* WEIR_PROTO_* */
    __u32 user_ms;       /* the TCP_USER_TIMEOUT that weir has set; 0 = none */
    __u16 deadline;      /* WEIR_DEADLINE_* for which it ends */
    __u16 keeps_alive;   /* WEIR_KEEPS_*: what weir has set */
};
WEIR_ASSERT(sizeof(struct weir_sock) == 128);

#endif

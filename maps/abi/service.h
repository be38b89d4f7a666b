/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rows that describe services; written by user space only, read by every connect. The publishing
 * rule: a row that a connect can reach never changes. New rows are written beside the old ones and
 * become visible by one aligned 8-byte store to weir_svc_port.published. Old rows are reused only
 * after an RCU grace period.
 */
#ifndef WEIR_ABI_SERVICE_H
#define WEIR_ABI_SERVICE_H

#include "base.h"

/* Key of the table `vip`: one address and port that clients connect to. */
struct weir_vip_key {
    struct weir_addr addr;
    __be16 port; /* network byte order */
    __u8 proto;  /* WEIR_PROTO_* */
    __u8 pad;    /* 0 */
};
WEIR_ASSERT(sizeof(struct weir_vip_key) == 20);

/* Value of the table `vip`: inserted and deleted, changed only with a grace period after it. */
struct weir_vip {
    __u32 svc_port; /* row of `svc_port` */
};
WEIR_ASSERT(sizeof(struct weir_vip) == 4);

/*
 * The table `vip_filter`: bits in 64-bit words, by core/vip_filter.h. A bit is set before an
 * address is inserted into `vip`, and cleared after the last one that it stands for was deleted.
 * 32 KB; with 10,000 addresses, 1 in 27 connects that go to none of them looks into `vip` too.
 */
#define WEIR_VIP_FILTER_BITS_LOG2 18
#define WEIR_VIP_FILTER_BITS (1u << WEIR_VIP_FILTER_BITS_LOG2)
#define WEIR_VIP_FILTER_WORDS (WEIR_VIP_FILTER_BITS / 64)

/* weir_svc_settings.algorithm */
#define WEIR_ALGORITHM_RANDOM 0      /* slots are alias cells, one per endpoint (core/pick.h) */
#define WEIR_ALGORITHM_ROUND_ROBIN 1 /* slots are endpoint indices in turn, four to a word */
#define WEIR_ALGORITHM_LEAST_CONNECTIONS 2 /* slots are weighted cells, one per endpoint */
#define WEIR_ALGORITHM_RENDEZVOUS 3    /* slots are a weighted cell and a seed, two words each */
#define WEIR_ALGORITHM_HASH_TABLE 4    /* slots are the owners of all hash slots, four to a word */
#define WEIR_ALGORITHM_LEAST_LATENCY 5 /* slots are weighted cells, one per endpoint */

/* Services with more endpoints use a table for consistent hashing, and two draws for the least
 * connections. */
#define WEIR_SCAN_MAX 32

/* Consistent hashing puts clients into so many slots, each of which belongs to one endpoint. */
#define WEIR_HASH_SLOTS_LOG2 16
#define WEIR_HASH_SLOTS (1u << WEIR_HASH_SLOTS_LOG2)

/* weir_svc_settings.mode, weir_workload.mode, weir_node.mode: the highest of the three holds. */
#define WEIR_MODE_STEER 0
#define WEIR_MODE_OBSERVE 1 /* counted as if steered, and left alone */
#define WEIR_MODE_OFF 2     /* left alone */

/* weir_svc_settings.flags */
#define WEIR_SVC_NEEDS_TRACKING                                       \
    1 /* refuse a socket without storage (ENOBUFS): a limit, a policy \
         or failover would otherwise be bypassed at the caller's will */
#define WEIR_SVC_COUNTS_DATAGRAMS 2   /* UDP: datagrams and bytes are counted, too */
#define WEIR_SVC_SUBSET_BY_WORKLOAD 4 /* who calls decides which subset it has; else the turn */
#define WEIR_SVC_HAS_SUBSETS 8        /* else its one record is there for the zone alone */
#define WEIR_SVC_UDP 16

/* weir_svc_settings.events_every: none but failures and what is slow. */
#define WEIR_EVENTS_NONE 0xffffffffu

/* More subsets than that a service cannot have. */
#define WEIR_SUBSETS_MAX 16

/* Some of a service port's words in `slot`. */
struct weir_slot_set {
    __u32 offset; /* words, relative to the published offset */
    __u32 count;  /* slots, or records; 0 = none */
};
WEIR_ASSERT(sizeof(struct weir_slot_set) == 8);

/* One of the two settings rows of a service port; `published` says which one is in force. */
struct weir_svc_settings {
    __u32 endpoint_base;     /* first row of the service port's own range in `endpoint` */
    __u32 endpoint_capacity; /* rows in that range; slots index below it */
    __u32 born;      /* mesh generation (low 32 bits) in which the row got this service port */
    __u16 algorithm; /* WEIR_ALGORITHM_* */
    __u16 flags;     /* WEIR_SVC_* */
    struct weir_slot_set both; /* all endpoints */
    struct weir_slot_set v4;   /* endpoints that an IPv4 socket can reach */
    struct weir_slot_set v6;   /* endpoints that an IPv6-only socket can reach */
    __u32 affinity_s; /* a client keeps its endpoint until so many seconds without a connect; 0 = no
                       */
    __u32 mode;       /* WEIR_MODE_* */
    __u32 eject_ms;   /* an endpoint's first ejection lasts so long (core/health.h) */
    __u16 eject_after;   /* failures in a row that eject an endpoint; 0 = none do */
    __u16 eject_percent; /* of the endpoints may be out at once */
    __u32 events_every;  /* one of so many connections is told of; 0 = as the node has it */
    __u32 slow_start_ms; /* an endpoint that came has its whole share after so long; 0 = at once */
    __u32 max_connections;  /* of the service port, by this node; 0 = any number */
    __u32 max_per_endpoint; /* … and to each endpoint */
    __u32 rate_interval_ns; /* a caller may connect once in so long; 0 = as often as it likes */
    __u32 rate_burst;       /* … or so often at once, when it did not for a while */
    __u32 connect_ms;       /* a TCP handshake may take so long; 0 = as long as the kernel tries */
    __u32 tcp_user_ms;      /* data may be unacknowledged for so long; 0 = as the kernel has it */
    __u16 keepalive_time_s; /* a silent connection is probed after so long; 0 = not by weir … */
    __u16 keepalive_interval_s;   /* … and again after so long … */
    __u16 keepalive_probes;       /* … until so many went unanswered */
    __u16 min_in_percent;         /* with fewer of the endpoints in, all are used; 0 = with none */
    __u32 window_ms;              /* failures are counted over so long; 0 = not */
    __u16 fail_percent;           /* of its connects in a window that failed eject an endpoint … */
    __u16 fail_least;             /* … when it had so many of them */
    __u32 idle_ms;                /* a connection without data for so long is ended; 0 = none is */
    struct weir_slot_set subsets; /* core/subset.h: which of the endpoints are asked first; none:
                                     all alike */
    __u32 words;                  /* in `slot`, of all that is published */
    __u32 answer_ms; /* a datagram without an answer for so long has failed; 0 = it may well have
                        none */
};
WEIR_ASSERT(sizeof(struct weir_svc_settings) == 124);

/* Row of `svc_port`: one port of one service, the kernel's unit of balancing and counting. */
struct weir_svc_port {
    __u64 published;    /* core/published.h; 0 = no such service port */
    __u64 off_until_ns; /* CLOCK_MONOTONIC: left alone until then; 0 = not. Stored whole, by whoever
                           switches the service off; the kernel looks at the clock */
    __u64 held_until_ns; /* … until then at most one of its endpoints is out by hand; 0 = none is */
    struct weir_svc_settings settings[2];
};
WEIR_ASSERT(sizeof(struct weir_svc_port) == 272);

/* weir_endpoint.flags */
#define WEIR_ENDPOINT_LEAVING 1 /* not in the mesh any more: flows and clients leave it */
#define WEIR_ENDPOINT_DRAINED 2 /* weight 0: flows stay, clients with affinity leave it */

/* Row of `endpoint`. Its weight is in the slots, since a weight changes while the endpoint lives.
 */
struct weir_endpoint {
    struct weir_addr addr;
    __be16 port;      /* network byte order */
    __u16 flags;      /* WEIR_ENDPOINT_*: this and the next change while the row can be reached, by
                         one aligned store each */
    __u32 moved_to;   /* the row that the endpoint has since its service port got more of them, plus
                         1; 0 = this one. What it says is to be held against the row there */
    __u32 svc_port;   /* owner; a slot that leads to another owner's row is corrupt */
    __u32 generation; /* raised by one each time the row gets another endpoint; 0 = never used */
};
WEIR_ASSERT(sizeof(struct weir_endpoint) == 32);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Facts of the node: what the agent last did (`node`, one row, user space only) and what the
 * kernel programs could not do, with the reason (`reason`, per CPU, kernel only).
 */
#ifndef WEIR_ABI_NODE_H
#define WEIR_ABI_NODE_H

#include "base.h"

/* Each field is one aligned word, stored whole. Times are CLOCK_MONOTONIC nanoseconds. */
struct weir_node {
    __u64 heartbeat_ns;           /* when the agent's loop last turned; 0 = left in order */
    __u64 started_ns;             /* when the agent started */
    __u64 agent_pid;              /* its process id */
    __u64 generation;             /* of the mesh that is in the kernel */
    __u64 generation_ns;          /* when it was published */
    __u64 mesh_digest;            /* of the mesh directory it was read from */
    __u64 relinked;               /* links that others had detached and the agent attached again */
    __u64 cgroup;                 /* id of the cgroup that the programs are attached at */
    __u64 mode;                   /* WEIR_MODE_* of the whole node */
    __u64 off_until_ns;           /* as weir_svc_port.off_until_ns, for the whole node */
    __u64 repaired;               /* rows that others had changed and the agent wrote again */
    __u64 events_read;            /* taken out of the ring and kept */
    __u64 events_passed;          /* taken out, and passed over: of another build */
    __u64 events_lost_shown;      /* of weir_reason[EVENT_LOST], what is shown as a gap … */
    __u64 events_left_out_shown;  /* … and of EVENT_LIMITED */
    __u64 detection_off_until_ns; /* outlier detection ejects nobody until then; 0 = it does */
};
WEIR_ASSERT(sizeof(struct weir_node) == 128);

/* Index of `reason`. Append only; names in maps/reason_names.h. */
#define WEIR_REASON_NO_ENDPOINT 0        /* refused: the service has no endpoint */
#define WEIR_REASON_NO_FAMILY_ENDPOINT 1 /* refused: none that this socket's family can reach */
#define WEIR_REASON_UNTRACKED 2          /* steered, but socket storage was refused */
#define WEIR_REASON_TRACKING_REQUIRED 3  /* refused: storage refused, and the service needs it */
#define WEIR_REASON_EDGE_FULL 4          /* counted on the service port's `other` edge */
#define WEIR_REASON_STALE_ENDPOINT 5 /* a socket ended whose endpoint's row has gone to another */
#define WEIR_REASON_CORRUPT_ROW 6    /* refused: a row of user space leads nowhere */
#define WEIR_REASON_CGROUP_FULL                                                             \
    7                             /* a new cgroup found no room: its nearest known ancestor \
                                     answers for it */
#define WEIR_REASON_CGROUP_PATH 8 /* a cgroup's path is too long: only its start was matched */
#define WEIR_REASON_NO_STATE_CALLBACK 9 /* sock_ops refused: the end is seen at close() only */
#define WEIR_REASON_UDP_SPILLED 10      /* a datagram flow without room in its socket: untracked */
#define WEIR_REASON_OFF 11            /* left alone: the node, the service or the workload is off */
#define WEIR_REASON_LATENCY_FULL 12   /* a sample of an edge without a row in `latency`: lost */
#define WEIR_REASON_EVENT_LOST 13     /* an event: the ring was full */
#define WEIR_REASON_EVENT_LIMITED 14  /* an event beyond the bound of its service port: left out */
#define WEIR_REASON_UNMANAGED_FULL 15 /* a connect to no service found no row in `unmanaged` */
#define WEIR_REASON_DATAGRAM_UNREAD 16 /* its header is not what was expected: not counted */
#define WEIR_REASON_EJECTED 17         /* an endpoint, also after a try that failed */
#define WEIR_REASON_RESTORED 18        /* an endpoint came back */
#define WEIR_REASON_HALF_OPEN 19       /* a connect tries an ejected endpoint */
#define WEIR_REASON_PANIC 20 /* a pick found all endpoints out, or too many: all are used then */
#define WEIR_REASON_LIMIT 21 /* refused: as many connections as there may be */
#define WEIR_REASON_RATE 22  /* refused: its caller connects too often */
#define WEIR_REASON_RATE_FULL 23          /* let through: no room to count how often it connects */
#define WEIR_REASON_CONNECT_DEADLINE 24   /* a handshake took longer than its service allows */
#define WEIR_REASON_USER_DEADLINE 25      /* data was unacknowledged for longer than it allows */
#define WEIR_REASON_OPTION_REFUSED 26     /* the kernel refused a socket option for a deadline */
#define WEIR_REASON_STALLED 27            /* data was sent again twice, and is unacknowledged */
#define WEIR_REASON_IDLE_DEADLINE 28      /* no data moved for longer than its service allows */
#define WEIR_REASON_ZONE_SPILLED 29       /* a pick left the node's zone: too few there have room */
#define WEIR_REASON_SUBSET_SPILLED 30     /* a pick left its subset: nobody there has room */
#define WEIR_REASON_KEEPALIVE_DEADLINE 31 /* nobody answered the probes of an idle connection */
#define WEIR_REASON_COUNT 32

#endif

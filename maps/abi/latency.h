/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How long things took, for each edge: log-linear histograms, written by the kernel only, with
 * atomics. Which bucket a time falls into is core/latency.h's business. Append-only.
 */
#ifndef WEIR_ABI_LATENCY_H
#define WEIR_ABI_LATENCY_H

#include "base.h"

#define WEIR_LATENCY_CONNECT 0 /* from connect() to the handshake's end; failures are not in it */
#define WEIR_LATENCY_RTT 1     /* smoothed round trip, once per connection and few seconds */
#define WEIR_LATENCY_FIRST_BYTE 2 /* from the last byte sent to the first byte of the answer */
#define WEIR_LATENCY_KINDS 3

#define WEIR_LATENCY_BUCKETS 100

/* A bucket wraps after 2^32 samples; count and sum never do. */
struct weir_histogram {
    __u64 count;
    __u64 sum_us;
    __u32 buckets[WEIR_LATENCY_BUCKETS];
};
WEIR_ASSERT(sizeof(struct weir_histogram) == 416);

/* Value of `latency`; its key is the edge's. */
struct weir_latency {
    struct weir_histogram of[WEIR_LATENCY_KINDS];
    __u64 left_out; /* sampled connections on which questions and answers do not take turns */
    __u64 reserved[3];
};
WEIR_ASSERT(sizeof(struct weir_latency) == 1280);

#endif

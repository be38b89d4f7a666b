/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Log-linear buckets, as in HdrHistogram with two significant bits: 0 to 3 us one by one, then four
 * buckets for each doubling, up to 67 s; what is longer is in the last one. And which segment is
 * the first of an answer. Compiled for the kernel and natively; no maps, no context.
 */
#ifndef WEIR_CORE_LATENCY_H
#define WEIR_CORE_LATENCY_H

#include "../../maps/abi/latency.h"

/* The place of the highest bit; value is not 0. The kernel's instruction set has none for it. */
static inline __u32 weir_high_bit(__u32 value) {
    __u32 log = 0;
    for (__u32 step = 16; step; step >>= 1)
        if (value >> step) {
            value >>= step;
            log += step;
        }
    return log;
}

static inline __u32 weir_latency_bucket(__u64 us) {
    if (us < 4)
        return (__u32)us;
    if (us >> 26)
        return WEIR_LATENCY_BUCKETS - 1;
    __u32 log = weir_high_bit((__u32)us);
    return (log - 1) * 4 + (((__u32)us >> (log - 2)) & 3);
}

/* The least time that falls into the bucket, in us. */
static inline __u64 weir_latency_floor_us(__u32 bucket) {
    return bucket < 4 ? bucket : (4ull + bucket % 4) << (bucket / 4 - 1);
}

/* A segment that was received, and what the connection knew before it. TCP sequence numbers. */
struct weir_segment {
    __u32 end;              /* behind its last byte of payload */
    __u32 ack;              /* what its sender had received of us */
    __u32 rcv_nxt;          /* what we had received */
    __u32 snd_nxt;          /* what we had sent */
    __u32 asked;            /* snd_nxt when the last answer began */
    __u32 rtt_us;           /* the least that there was lately */
    __u64 heard_ns, now_ns; /* when the last new byte came, 0 = none did; and this one */
};

#define WEIR_SEGMENT_OLD 0    /* no new byte */
#define WEIR_SEGMENT_MORE 1   /* of an answer that has begun, or a greeting that nobody asked for */
#define WEIR_SEGMENT_ANSWER 2 /* the first byte since the last byte sent */
#define WEIR_SEGMENT_OVERLAPS 3 /* sent before all that was asked had come: to something else */
#define WEIR_SEGMENT_LATE 4     /* more, after a silence: a stream, a push, or another answer */

/* What the network alone does not explain: two round trips, and a little. */
#define WEIR_LATE_US 2000

/* It brings bytes that were not there; only then does weir_segment_is() need the times. */
static inline int weir_segment_is_new(const struct weir_segment *segment) {
    return (__s32)(segment->end - segment->rcv_nxt) > 0;
}

static inline __u32 weir_segment_is(const struct weir_segment *segment) {
    if (!weir_segment_is_new(segment))
        return WEIR_SEGMENT_OLD;
    if (segment->snd_nxt != segment->asked)
        return segment->ack == segment->snd_nxt ? WEIR_SEGMENT_ANSWER : WEIR_SEGMENT_OVERLAPS;
    __u64 silent_us = segment->heard_ns ? (segment->now_ns - segment->heard_ns) / 1000 : 0;
    return silent_us > 2 * segment->rtt_us + WEIR_LATE_US ? WEIR_SEGMENT_LATE : WEIR_SEGMENT_MORE;
}

/* weir_sock.sampled after such a segment: 1 where questions and answers take turns. What is odd
 * weighs as much as eight turns (TLS tickets come beside the first request, once); with too much of
 * it, several requests are on their way at once, or none is: 0, the connection is left out. */
#define WEIR_ODD_WEIGHT 8
#define WEIR_ODD_MOST 32

static inline __u32 weir_sampled_after(__u32 sampled, __u32 segment) {
    if (segment == WEIR_SEGMENT_OVERLAPS || segment == WEIR_SEGMENT_LATE)
        return sampled + WEIR_ODD_WEIGHT <= 1 + WEIR_ODD_MOST ? sampled + WEIR_ODD_WEIGHT : 0;
    return segment == WEIR_SEGMENT_ANSWER && sampled > 1 ? sampled - 1 : sampled;
}

#endif

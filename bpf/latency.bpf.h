/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Adding a time to an edge's histograms. Never fails what is measured: a sample without a place is
 * counted as lost.
 */
#ifndef WEIR_LATENCY_BPF_H
#define WEIR_LATENCY_BPF_H

#include "core/latency.h"
#include "counters.bpf.h"

/* Not on the stack, which is short. */
static const volatile struct weir_latency weir_new_latency __attribute__((unused)) = {};

/* As edge__find_or_make; NULL: there is no room, which is counted. */
static __always_inline struct weir_latency *latency__find_or_make(const struct weir_edge_key *key) {
    struct weir_latency *latency = bpf_map_lookup_elem(&weir_latency, key);
    if (latency)
        return latency;
    bpf_map_update_elem(&weir_latency, key, (const void *)&weir_new_latency, BPF_NOEXIST);
    latency = bpf_map_lookup_elem(&weir_latency, key);
    if (!latency)
        reason__count(WEIR_REASON_LATENCY_FULL);
    return latency;
}

static __always_inline void histogram__add(struct weir_histogram *histogram, __u64 us) {
    __u32 bucket = weir_latency_bucket(us);
    asm volatile(""
                 : "+r"(bucket)); /* clang knows that it is in bounds; the verifier has to see it */
    if (bucket < WEIR_LATENCY_BUCKETS)
        __sync_fetch_and_add(&histogram->buckets[bucket], 1);
    __sync_fetch_and_add(&histogram->count, 1);
    __sync_fetch_and_add(&histogram->sum_us, us);
}

#endif

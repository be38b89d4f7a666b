/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which of two endpoints is less loaded: open connections divided by weight. Of several that are
 * alike, one is drawn by weight (reservoir sampling: Vitter, ACM TOMS 11(1), 1985). Compiled for
 * the kernel and natively; no maps, no context.
 */
#ifndef WEIR_CORE_LEAST_CONNECTIONS_H
#define WEIR_CORE_LEAST_CONNECTIONS_H

#include "../../maps/abi/service.h"

struct weir_least {
    __u64 active;
    __u32 weight;
    __u32 index;
    __u64 alike; /* sum of the weights that were drawn from */
};

/* Before the first offer: more loaded than anything. */
#define WEIR_LEAST_NONE {1ull << 40, 1, 0, 0}

/* A number that follows from another, for the next draw: one step of xorshift32 (Marsaglia). */
static inline __u32 weir_next_random(__u32 random) {
    random |= !random;
    random ^= random << 13;
    random ^= random >> 17;
    return random ^ random << 5;
}

/* Offers an endpoint; `random` decides where it is like the best so far. Weights above 0. */
static inline void weir_least_offer(struct weir_least *best, __u32 index, __u32 weight,
                                    __u64 active, __u32 random) {
    __u64 mine = active * best->weight, its = best->active * weight;
    if (mine > its)
        return;
    if (mine == its) {
        best->alike += weight;
        if ((__u64)random * (__u32)best->alike >> 32 >= weight)
            return;
    } else {
        best->alike = weight;
    }
    best->active = active;
    best->weight = weight;
    best->index = index;
}

#endif

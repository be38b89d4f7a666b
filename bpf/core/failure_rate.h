/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How many of an endpoint's connects failed in the window that is on, in one word: the window's
 * number (16 bits), failures (24), connects (24). Windows follow one another and do not overlap, as
 * the intervals of Envoy's failure percentage ejection. Compiled for the kernel and natively; no
 * maps, no context, no clock.
 */
#ifndef WEIR_CORE_FAILURE_RATE_H
#define WEIR_CORE_FAILURE_RATE_H

#include "../../maps/abi/base.h"

#define WEIR_WINDOW_CONNECT 1ull
#define WEIR_WINDOW_FAILURE (1ull << 24)
#define WEIR_WINDOW_COUNT_MASK 0xffffffull
/* No more is counted in a window: the share is known, and a count must not run over into the next
 * one, whoever adds at the same moment. */
#define WEIR_WINDOW_MOST 0x800000ull

static inline __u32 weir_window_connects(__u64 word) {
    return (__u32)(word & WEIR_WINDOW_COUNT_MASK);
}

static inline __u32 weir_window_failures(__u64 word) {
    return (__u32)(word >> 24 & WEIR_WINDOW_COUNT_MASK);
}

/* The word of a window in which nothing was counted. `window_ms` is not 0. */
static inline __u64 weir_window_begin(__u64 now_ms, __u32 window_ms) {
    return (now_ms / window_ms) << 48;
}

/* Whether the word is of the window that is on. */
static inline int weir_window_is_on(__u64 word, __u64 now_ms, __u32 window_ms) {
    return word >> 48 == weir_window_begin(now_ms, window_ms) >> 48;
}

static inline int weir_window_is_full(__u64 word) {
    return weir_window_connects(word) >= WEIR_WINDOW_MOST ||
           weir_window_failures(word) >= WEIR_WINDOW_MOST;
}

/* Whether so large a share of so many failed, or more; `percent` 0: it never does. */
static inline int weir_fails_too_often(__u64 word, __u32 percent, __u32 least) {
    __u64 connects = weir_window_connects(word), failures = weir_window_failures(word);
    return percent && connects >= least && failures * 100 >= connects * percent;
}

#endif

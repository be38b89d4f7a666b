/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Slow start: an endpoint that came (back) gets a share that grows to its own over a while, in a
 * line from a tenth of it, as in Envoy. Compiled for the kernel and natively; no maps, no context,
 * no clock.
 */
#ifndef WEIR_CORE_SLOW_START_H
#define WEIR_CORE_SLOW_START_H

#include <linux/types.h>

/* Shares are in parts of it; weights below 2^20 are multiplied by it. */
#define WEIR_SHARE_WHOLE 64u
#define WEIR_SHARE_LEAST 6u

/* `since_ns`: weir_ep_state.changed_ns; 0 = it has been in since always. */
static inline __u32 weir_slow_start_share(__u64 since_ns, __u64 now_ns, __u32 slow_start_ms) {
    __u64 in_for_ms = now_ns > since_ns ? (now_ns - since_ns) / 1000000 : 0;
    if (!since_ns || in_for_ms >= slow_start_ms)
        return WEIR_SHARE_WHOLE;
    __u32 share = in_for_ms * WEIR_SHARE_WHOLE / slow_start_ms;
    return share > WEIR_SHARE_LEAST ? share : WEIR_SHARE_LEAST;
}

/* Whether it is a candidate for a connect that drew `luck`; the same luck stays with it as its
 * share grows. */
static inline int weir_has_share(__u32 share, __u32 luck) {
    return luck % WEIR_SHARE_WHOLE < share;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether silence is an endpoint's fault, or the network's of those who ask it: the latter as long
 * as nobody else answers them. Nor does it speak against an endpoint that what was sent before
 * somebody answered them again had no answer. Compiled for the kernel and natively; no maps, no
 * context, no clock.
 */
#ifndef WEIR_CORE_OWN_FAULT_H
#define WEIR_CORE_OWN_FAULT_H

#include <linux/types.h>

/*
 * weir_ep_state.failing: CLOCK_MONOTONIC in ms, its low half, two by two. When the first of the
 * failures in a row was seen; or, VOUCHED, the answer of somebody else that was the first to be
 * seen after it.
 */
#define WEIR_FAILING_VOUCHED 1u
#define WEIR_FAILING_AGE_MOST_MS 0x7fffffffull

static inline __u32 weir_failing_since(__u64 now_ns) {
    return (__u32)(now_ns / 1000000) & ~WEIR_FAILING_VOUCHED;
}

/* Whether an answer (0 = there was none) came later than that. */
static inline int weir_answered_after(__u64 at_ns, __u32 since_ms, __u64 now_ns) {
    __u64 age_ms = now_ns > at_ns ? (now_ns - at_ns) / 1000000 : 0;
    return at_ns && age_ms < WEIR_FAILING_AGE_MOST_MS &&
           (__s32)((__u32)(at_ns / 1000000) - since_ms) > 0;
}

/* The word once it is known when somebody else answered last. */
static inline __u32 weir_failing_after(__u32 failing, __u64 answered_ns, __u64 now_ns) {
    if (failing & WEIR_FAILING_VOUCHED || !weir_answered_after(answered_ns, failing, now_ns))
        return failing;
    return weir_failing_since(answered_ns) | WEIR_FAILING_VOUCHED;
}

/*
 * Later than when (as that word has it) the network of whoever asks must have answered it, for its
 * failure to count: that somebody vouched in one network says nothing of another.
 */
static inline __u32 weir_vouch_wanted_after(__u32 failing) {
    return failing & WEIR_FAILING_VOUCHED ? failing - WEIR_FAILING_VOUCHED - 1 : failing;
}

/* Whether it is the endpoint's fault that what was sent at that time had no answer. */
static inline int weir_is_endpoints_fault(__u32 failing, __u64 sent_ns) {
    return failing & WEIR_FAILING_VOUCHED &&
           (__s32)(weir_failing_since(sent_ns) - (failing & ~WEIR_FAILING_VOUCHED)) >= 0;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An endpoint's failures: in a row, and over a window of time where its service asks for that. What
 * comes of them is outliers.bpf.h's.
 */
#ifndef WEIR_FAILURES_BPF_H
#define WEIR_FAILURES_BPF_H

#include "core/failure_rate.h"
#include "core/own_fault.h"
#include "health.bpf.h"

/* Counts a connect, a failure, or both in the window that is on. Two who begin it at once: one
 * does, and both are counted. While the endpoint is out, its window stays as it was: that is why.
 */
static __always_inline void failures__count(struct weir_ep_state *state,
                                            const struct weir_svc_settings *settings, __u64 what) {
    __u32 window_ms = settings->window_ms;
    if (!window_ms || *(volatile __u64 *)&state->ejected_until_ns)
        return;
    __u64 now_ms = bpf_ktime_get_coarse_ns() / WEIR_NS_PER_MS;
    __u64 word = *(volatile __u64 *)&state->window;
    if (!weir_window_is_on(word, now_ms, window_ms)) {
        __sync_val_compare_and_swap(&state->window, word, weir_window_begin(now_ms, window_ms));
        word = 0;
    }
    if (!weir_window_is_full(word))
        __sync_fetch_and_add(&state->window, what);
}

/* With a failure (WEIR_FAILURE_*): an open connection's, whose data nobody acknowledges. AGAIN: it
 * has been counted. In the upper half, how many ms ago it was sent last. */
#define FAILURES_STALLED 0x100u
#define FAILURES_AGAIN 0x200u
#define FAILURES_KIND(failure) ((failure) & 0xffu)
#define FAILURES_SENT_MS_AGO(failure) ((failure) >> 16)
#define FAILURES_SENT_MOST_MS 0xffffu

/* Counts a failure in a row with those before it; how many there are. */
static __always_inline __u32 failures__in_a_row(struct weir_ep_state *state, __u32 failure) {
    __u64 now_ns = bpf_ktime_get_coarse_ns();
    if (failure & FAILURES_AGAIN)
        return state->failures;
    if (FAILURES_KIND(failure) == WEIR_FAILURE_RESET)
        return __sync_fetch_and_add(&state->resets, 1) + 1;
    if (failure & FAILURES_STALLED && state->failures &&
        weir_stall_stands_alone(state->failing, now_ns / WEIR_NS_PER_MS))
        state->failures = 0;
    if (!*(volatile __u32 *)&state->failures) /* before it is one: others judge by it */
        state->failing = weir_failing_since(now_ns);
    return __sync_fetch_and_add(&state->failures, 1) + 1;
}

/* Counts a failure. Whether there are so many in a row, or so large a share of its window. Open
 * connections are no connects of a window, and those that were reset have been counted as such. */
static __always_inline int failures__are_enough(struct weir_ep_state *state,
                                                const struct weir_svc_settings *settings,
                                                __u32 failure) {
    int enough = failures__in_a_row(state, failure) >= settings->eject_after;
    if (failure & FAILURES_STALLED)
        return enough;
    failures__count(state, settings,
                    failure == WEIR_FAILURE_RESET ? WEIR_WINDOW_FAILURE
                                                  : WEIR_WINDOW_FAILURE | WEIR_WINDOW_CONNECT);
    return enough ||
           weir_fails_too_often(state->window, settings->fail_percent, settings->fail_least);
}

#endif

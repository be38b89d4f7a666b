/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What connections tell of how long their endpoint takes to answer (core/least_latency.h): written
 * as they go, read by picks. Two answers at once may lose one of the two.
 */
#ifndef WEIR_ANSWER_TIME_BPF_H
#define WEIR_ANSWER_TIME_BPF_H

#include "core/least_latency.h"
#include "health.bpf.h"

static __always_inline void answer_time__add(struct weir_ep_state *state, __u64 us, __u32 guessed,
                                             __u64 now_ns) {
    __u64 before = *(volatile __u64 *)&state->latency_word;
    *(volatile __u64 *)&state->latency_word =
        weir_latency_after(before, us, guessed, now_ns / WEIR_NS_PER_MS);
}

/* A connection that had asked ended without an answer: it took at least so long. */
static __always_inline void answer_time__missing(const struct weir_edge_key *edge, __u64 us,
                                                 __u64 now_ns) {
    struct weir_ep_state *state = health__row(edge);
    if (state && us > weir_latency_us(*(volatile __u64 *)&state->latency_word))
        answer_time__add(state, us, 0, now_ns);
}

#endif

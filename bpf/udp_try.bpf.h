/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who tries an endpoint of a UDP service that is out, and what came of the try before. Datagrams
 * have no handshake that fails: a try that had no answer is known when the next one begins.
 */
#ifndef WEIR_UDP_TRY_BPF_H
#define WEIR_UDP_TRY_BPF_H

#include "core/ask.h"
#include "healthy.bpf.h"

static __always_inline __u32 udp_try__mark_of(const struct weir_ep_state *state) {
    return weir_try_mark(state->changed_ns, state->ejections);
}

/* Whether what a flow with that mark sees of the endpoint says how it is. */
static __always_inline int udp_try__speaks(const struct weir_ep_state *state, __u32 mark) {
    return !*(volatile __u64 *)&state->ejected_until_ns || mark == udp_try__mark_of(state);
}

/* It is in again. 0: somebody else has said so. */
static __always_inline int udp_try__restore(struct weir_ep_state *state) {
    __u64 until = *(volatile __u64 *)&state->ejected_until_ns;
    if (!until || health__is_held(state) ||
        __sync_val_compare_and_swap(&state->ejected_until_ns, until, 0) != until)
        return 0;
    state->changed_ns = bpf_ktime_get_ns();
    state->failures = 0;
    state->window = 0;
    reason__count(WEIR_REASON_RESTORED);
    return 1;
}

/* The try before had no answer: the next one comes later. */
static __always_inline void udp_try__failed(struct weir_ep_state *state, __u32 eject_ms) {
    __u64 until = *(volatile __u64 *)&state->ejected_until_ns;
    __u32 before = state->ejections;
    __u64 next = bpf_ktime_get_ns() + weir_ejection_ns(eject_ms, before, bpf_get_prandom_u32());
    if (!until || __sync_val_compare_and_swap(&state->ejected_until_ns, until, next) != until)
        return;
    state->ejections = before + 1;
    reason__count(WEIR_REASON_EJECTED);
}

/* What the flow will have as its mark, given an endpoint so (HEALTHY_*). Where no answers are owed,
 * a try that nothing spoke against until the next one was good. */
static __always_inline __u32 udp_try__begin(const struct weir_edge_key *edge,
                                            const struct weir_svc_settings *settings,
                                            __u32 healthy) {
    struct weir_ep_state *state = healthy == HEALTHY_PICKED ? NULL : health__row(edge);
    if (!state || !*(volatile __u64 *)&state->ejected_until_ns)
        return 0;
    __u32 ask = *(volatile __u32 *)&state->resets;
    if (healthy == HEALTHY_TRIES && ask) {
        if (ask & WEIR_ASK_SAID || settings->answer_ms)
            udp_try__failed(state, settings->eject_ms);
        else
            udp_try__restore(state);
        state->resets = 0;
    }
    return *(volatile __u64 *)&state->ejected_until_ns ? udp_try__mark_of(state) : 0;
}

#endif

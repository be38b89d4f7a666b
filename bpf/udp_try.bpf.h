/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who tries an endpoint of a UDP service that is out, and what came of the try before. Datagrams
 * have no handshake that fails: a try that had no answer is known when the next one begins.
 */
#ifndef WEIR_UDP_TRY_BPF_H
#define WEIR_UDP_TRY_BPF_H

#include "core/ask.h"
#include "core/try_mark.h"
#include "healthy.bpf.h"

static __always_inline __u32 udp_try__mark_of(const struct weir_ep_state *state) {
    return weir_try_mark(state->changed_ns, state->ejections);
}

/* Whether what a flow with that mark sees of the endpoint says how it is. */
static __always_inline int udp_try__speaks(const struct weir_ep_state *state, __u32 mark) {
    return !*(volatile __u64 *)&state->ejected_until_ns || mark == udp_try__mark_of(state);
}

/* What is known of an endpoint anew: WEIR_EVENT_*, and why; 0: nothing. */
struct udp_verdict {
    __u32 event, failure;
};

static __always_inline struct udp_verdict udp_try__restore(struct weir_ep_state *state) {
    struct udp_verdict nothing = {};
    if (!health__restore(state))
        return nothing;
    state->failures = 0;
    return (struct udp_verdict){WEIR_EVENT_RESTORED, 0};
}

/* The try before had no answer: the next one comes later. */
static __always_inline struct udp_verdict udp_try__failed(struct weir_ep_state *state,
                                                          __u32 svc_port, __u32 eject_ms,
                                                          __u32 failure) {
    struct udp_verdict nothing = {};
    __u64 until = *(volatile __u64 *)&state->ejected_until_ns;
    __u32 before = state->ejections;
    __u64 next = bpf_ktime_get_ns() + weir_ejection_ns(eject_ms, before, bpf_get_prandom_u32());
    if (!until || __sync_val_compare_and_swap(&state->ejected_until_ns, until, next) != until)
        return nothing;
    state->ejections = before + 1;
    struct weir_svc_state *service = bpf_map_lookup_elem(&weir_svc_state, &svc_port);
    if (service)
        __sync_fetch_and_add(&service->ejections, 1);
    reason__count(WEIR_REASON_EJECTED);
    return (struct udp_verdict){WEIR_EVENT_EJECTED, failure};
}

/* What the try before this one has shown, if HEALTHY_* says that this is one. Where no answers are
 * owed, one that nothing spoke against until now was good. */
static __always_inline struct udp_verdict udp_try__before(const struct weir_edge_key *edge,
                                                          const struct weir_svc_settings *settings,
                                                          __u32 healthy) {
    struct udp_verdict nothing = {};
    struct weir_ep_state *state = healthy == HEALTHY_TRIES ? health__row(edge) : NULL;
    __u32 ask = state ? *(volatile __u32 *)&state->resets : 0;
    if (!ask)
        return nothing;
    state->resets = 0;
    if (ask & WEIR_ASK_SAID)
        return udp_try__failed(state, edge->svc_port, settings->eject_ms, weir_ask_failure(ask));
    if (settings->answer_ms)
        return udp_try__failed(state, edge->svc_port, settings->eject_ms, WEIR_FAILURE_TIMEOUT);
    return udp_try__restore(state);
}

/* The mark of a flow that was given an endpoint so (HEALTHY_*). */
static __always_inline __u32 udp_try__mark(const struct weir_edge_key *edge, __u32 healthy) {
    struct weir_ep_state *state = healthy == HEALTHY_PICKED ? NULL : health__row(edge);
    return state && *(volatile __u64 *)&state->ejected_until_ns ? udp_try__mark_of(state) : 0;
}

#endif

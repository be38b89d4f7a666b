/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The health of endpoints of UDP services, by the datagrams that go to them and come from them, and
 * by what routers and hosts say of those (ICMP). As outliers.bpf.h has it for connects: nobody
 * probes. Where a service does not promise answers, only ICMP speaks against an endpoint.
 * weir_ep_state.resets is the word of core/ask.h here.
 */
#ifndef WEIR_UDP_HEALTH_BPF_H
#define WEIR_UDP_HEALTH_BPF_H

#include "outliers.bpf.h"
#include "udp_try.bpf.h"

/* A failure of the endpoint, by a datagram that was sent at that time. One that this node's own
 * network may have caused counts only where somebody answered meanwhile: else what was lost before
 * the network came back would be held against whoever is asked next. */
static __always_inline struct udp_verdict udp_health__fails(
    const struct weir_edge_key *edge, const struct weir_svc_settings *settings,
    struct weir_ep_state *state, __u32 failure, __u64 sent_ns) {
    struct udp_verdict verdict = {0, failure};
    if (!*(volatile __u64 *)&state->ejected_until_ns && weir_may_be_own_fault(failure) &&
        !own_fault__vouched_ns(0, edge->svc_port, sent_ns / WEIR_NS_PER_MS, settings))
        return verdict;
    if (!outliers__judge(edge->svc_port, outliers__row(edge), 0, failure, sent_ns))
        return verdict;
    state->resets = 0; /* what is open from now on is a try's */
    verdict.event = WEIR_EVENT_EJECTED;
    return verdict;
}

/* A datagram goes to it, of a flow with that mark. Of those who find that an earlier one has had no
 * answer for too long, one says so. Where there need not be any, a try that nothing spoke against
 * for as long as an ejection lasts brings it back. */
static __always_inline struct udp_verdict udp_health__asks(const struct weir_edge_key *edge,
                                                           const struct weir_svc_settings *settings,
                                                           __u32 mark) {
    struct udp_verdict nothing = {};
    struct weir_ep_state *state = health__row(edge);
    __u32 ask = state ? *(volatile __u32 *)&state->resets : 0;
    __u64 now_ns = bpf_ktime_get_ns(), now_ms = now_ns / WEIR_NS_PER_MS;
    __u32 patience_ms = settings->answer_ms ? settings->answer_ms : settings->eject_ms;
    int said = (ask & WEIR_ASK_SAID) != 0;
    if (!state || !udp_try__speaks(state, mark) ||
        (weir_ask_is_open(ask) && !said && weir_ask_waited_ms(ask, now_ms) < patience_ms))
        return nothing;
    if (__sync_val_compare_and_swap(&state->resets, ask, weir_ask_at(now_ms)) != ask || !ask)
        return nothing;
    if (!said && !settings->answer_ms)
        return udp_try__restore(state);
    return udp_health__fails(edge, settings, state,
                             said ? weir_ask_failure(ask) : WEIR_FAILURE_TIMEOUT,
                             weir_ask_sent_ns(ask, now_ns));
}

/* A datagram comes from it, of a flow with that mark. */
static __always_inline struct udp_verdict udp_health__answers(
    const struct weir_edge_key *edge, const struct weir_svc_settings *settings, __u32 mark) {
    struct udp_verdict nothing = {};
    own_fault__answered(0, edge->svc_port, settings);
    struct weir_ep_state *state = health__row(edge);
    if (!state || !udp_try__speaks(state, mark))
        return nothing;
    if (*(volatile __u32 *)&state->resets)
        state->resets = 0;
    if (*(volatile __u64 *)&state->ejected_until_ns)
        return udp_try__restore(state);
    if (state->failures)
        state->failures = 0;
    failures__count(state, settings, WEIR_WINDOW_CONNECT);
    return nothing;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What sock_ops sees of connects becomes the health of their endpoints: failures in a row eject
 * one, a success after its time restores it. Only connects begun after an ejection speak for or
 * against it; those before have had their say.
 */
#ifndef WEIR_OUTLIERS_BPF_H
#define WEIR_OUTLIERS_BPF_H

#include "endpoint_events.bpf.h"
#include "failures.bpf.h"
#include "own_fault.bpf.h"
#include "settings.bpf.h"
#include "socket.bpf.h"

/* Ejects it, or once more where a try has failed: `until` is what stood there. Two that find the
 * last place at once both give it back: the next failure takes it. 1: it is out. */
static __noinline int outliers__eject(const struct weir_edge_key *edge,
                                      const struct weir_svc_settings *settings, __u64 until) {
    struct weir_ep_state *state = health__row(edge);
    if (!state || !health__may_be_out(edge->svc_port, settings, !until))
        return 0;
    __u64 now_ns = bpf_ktime_get_ns(); /* not the coarse one: it is held against started_ns */
    __u64 since_ns = now_ns - state->changed_ns;
    __u32 before = until ? state->ejections
                         : weir_ejections_in_a_row(state->ejections, since_ns, settings->eject_ms);
    __u64 next = now_ns + weir_ejection_ns(settings->eject_ms, before, bpf_get_prandom_u32());
    __u64 changed_ns = state->changed_ns;
    if (!until)
        state->changed_ns = now_ns;
    if (__sync_val_compare_and_swap(&state->ejected_until_ns, until, next) != until)
        return 0;
    if (!until && !health__may_be_out(edge->svc_port, settings, 0)) {
        state->changed_ns = changed_ns;
        __sync_val_compare_and_swap(&state->ejected_until_ns, next, 0);
        return 0;
    }
    state->ejections = before + 1;
    struct weir_svc_state *service = bpf_map_lookup_elem(&weir_svc_state, &edge->svc_port);
    if (service)
        __sync_fetch_and_add(&service->ejections, 1);
    reason__count(WEIR_REASON_EJECTED);
    return 1;
}

/* What a failure says of an endpoint, begun at that time. 1: it is out for that. A global function,
 * for the verifier's sake: service_view.bpf.h. */
__weak __noinline int outliers__judge(__u32 svc_port, __u32 endpoint, __u32 generation,
                                      __u32 failure, __u64 started_ns) {
    __u32 stalled = failure & FAILURES_STALLED;
    failure &= ~FAILURES_STALLED;
    struct weir_edge_key edge = {0, svc_port, endpoint, generation};
    struct weir_ep_state *state = health__row(&edge);
    const struct weir_svc_settings *settings = service__settings(svc_port);
    if (!state || !settings || !settings->eject_after || !weir_blames_endpoint(failure) ||
        health__detection_off_until() > bpf_ktime_get_ns())
        return 0;
    int enough = failures__are_enough(state, settings, failure, stalled);
    __u64 until = *(volatile __u64 *)&state->ejected_until_ns;
    if (until ? started_ns < state->changed_ns ||
                    weir_is_out_for_long(until, bpf_ktime_get_ns(), settings->eject_ms)
              : !enough)
        return 0;
    if (!until && weir_may_be_own_fault(failure) &&
        !own_fault__is_not(&edge, state->failing_ms, settings))
        return 0;
    return outliers__eject(&edge, settings, until);
}

/* A connect failed, or its connection was reset before a byte came. */
static __always_inline void outliers__failed(struct weir_sock *sock, __u32 failure) {
    if (outliers__judge(sock->edge.svc_port, sock->edge.endpoint, sock->edge.generation, failure,
                        sock->started_ns))
        event__of_endpoint(WEIR_EVENT_EJECTED, sock, failure & ~FAILURES_STALLED);
}

static __always_inline void outliers__restore(struct weir_sock *sock, struct weir_ep_state *state) {
    if (sock->started_ns >= state->changed_ns && health__restore(state))
        event__of_endpoint(WEIR_EVENT_RESTORED, sock, 0);
}

/* A handshake is complete. It says nothing of an endpoint that resets what it has accepted. */
static __always_inline void outliers__connected(struct weir_sock *sock,
                                                const struct weir_svc_settings *settings) {
    own_fault__answered(sock->edge.svc_port, settings);
    struct weir_ep_state *state = health__row(&sock->edge);
    if (!state)
        return;
    if (state->failures)
        state->failures = 0;
    failures__count(state, settings, WEIR_WINDOW_CONNECT);
    if (!state->resets)
        outliers__restore(sock, state);
}

/* The retransmission timer of an open connection ran out, once more in a row than before. */
static __always_inline void outliers__timed_out(struct weir_sock *sock, __u32 before) {
    if (before == 1)
        reason__count(WEIR_REASON_STALLED);
    if (weir_is_stall(before))
        outliers__failed(sock, WEIR_FAILURE_TIMEOUT | FAILURES_STALLED);
}

/* A connection ended of which bytes were heard. */
static __always_inline void outliers__heard(struct weir_sock *sock) {
    struct weir_ep_state *state = health__row(&sock->edge);
    if (!state || !state->resets)
        return;
    state->resets = 0;
    outliers__restore(sock, state);
}

#endif

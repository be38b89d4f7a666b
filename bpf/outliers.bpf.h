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
#include "heard.bpf.h"
#include "own_fault.bpf.h"
#include "settings.bpf.h"
#include "socket.bpf.h"

/* Ejects it, or once more where a try has failed: `until` is what stood there. Two that find the
 * last place at once both give it back: the next failure takes it. 1: it is out. */
static __noinline int outliers__eject(struct weir_ep_state *state, __u32 svc_port,
                                      const struct weir_svc_settings *settings, __u64 until) {
    if (!health__may_be_out(svc_port, settings, !until))
        return 0;
    __u64 now_ns = bpf_ktime_get_ns(); /* not the coarse one: it is held against started_ns */
    __u64 since_ns = now_ns - state->changed_ns;
    __u32 before = until ? state->ejections
                         : weir_ejections_in_a_row(state->ejections, since_ns, settings->eject_ms);
    __u64 next = (now_ns + weir_ejection_ns(settings->eject_ms, before, bpf_get_prandom_u32())) &
                 ~WEIR_UNTIL_MARKS;
    __u64 changed_ns = state->changed_ns;
    if (!until)
        state->changed_ns = now_ns;
    if (__sync_val_compare_and_swap(&state->ejected_until_ns, until, next) != until)
        return 0;
    if (!until && !health__may_be_out(svc_port, settings, 0)) {
        state->changed_ns = changed_ns;
        __sync_val_compare_and_swap(&state->ejected_until_ns, next, 0);
        return 0;
    }
    state->ejections = before + 1;
    struct weir_svc_state *service = bpf_map_lookup_elem(&weir_svc_state, &svc_port);
    if (service)
        __sync_fetch_and_add(&service->ejections, 1);
    reason__count(WEIR_REASON_EJECTED);
    return 1;
}

/* Whether, for all that is known, it was the callers' own network that left without an answer what
 * was sent at that time. */
static __always_inline int outliers__own_fault(struct weir_ep_state *state, __u32 svc_port,
                                               __u64 netns,
                                               const struct weir_svc_settings *settings,
                                               __u64 sent_ns) {
    __u32 failing = *(volatile __u32 *)&state->failing;
    __u64 vouched_ns =
        own_fault__vouched_ns(netns, svc_port, weir_vouch_wanted_after(failing), settings);
    if (!vouched_ns)
        return 1;
    if (!(failing & WEIR_FAILING_VOUCHED)) {
        failing = weir_failing_after(failing, vouched_ns, bpf_ktime_get_ns());
        state->failing = failing;
    }
    return !weir_is_endpoints_fault(failing, sent_ns);
}

/* When that was sent which failed. */
static __always_inline __u64 outliers__sent_ns(__u32 failure, __u64 started_ns) {
    return failure & FAILURES_STALLED
               ? bpf_ktime_get_ns() - FAILURES_SENT_MS_AGO(failure) * WEIR_NS_PER_MS
               : started_ns;
}

/* A row of `ep_state` and its generation in one word. */
static __always_inline __u64 outliers__row(const struct weir_edge_key *edge) {
    return (__u64)edge->generation << 32 | edge->endpoint;
}

/* What a failure (WEIR_FAILURE_*, FAILURES_*) says of an endpoint, begun at that time; `netns`: as
 * own_fault__answered has it. 1: it is out for that. A global function, for the verifier's sake:
 * service_view.bpf.h. */
__weak __noinline int outliers__judge(__u32 svc_port, __u64 row, __u64 netns, __u32 failure,
                                      __u64 started_ns) {
    struct weir_ep_state *state = health__row_of(row, row >> 32);
    const struct weir_svc_settings *settings = service__settings(svc_port);
    if (!state || !settings || !settings->eject_after ||
        !weir_blames_endpoint(FAILURES_KIND(failure)) ||
        health__detection_off_until() > bpf_ktime_get_ns())
        return 0;
    int enough = failures__are_enough(state, settings, failure);
    __u64 until = *(volatile __u64 *)&state->ejected_until_ns;
    if (until)
        return started_ns >= state->changed_ns &&
               !weir_is_out_for_long(until, bpf_ktime_get_ns(), settings->eject_ms) &&
               outliers__eject(state, svc_port, settings, until);
    if (weir_may_be_own_fault(FAILURES_KIND(failure)) &&
        outliers__own_fault(state, svc_port, netns, settings,
                            outliers__sent_ns(failure, started_ns)))
        return 0;
    return enough && outliers__eject(state, svc_port, settings, 0);
}

/* A connect failed, or its connection was reset before a byte came. `ctx`: of sock_ops. */
static __always_inline void outliers__failed(struct bpf_sock_ops *ctx, struct weir_sock *sock,
                                             __u32 failure) {
    if (outliers__judge(sock->edge.svc_port, outliers__row(&sock->edge), bpf_get_netns_cookie(ctx),
                        failure, sock->started_ns))
        event__of_endpoint(WEIR_EVENT_EJECTED, sock, FAILURES_KIND(failure));
}

/* A handshake is complete. It says nothing of an endpoint that resets what it has accepted. */
static __always_inline void outliers__connected(struct bpf_sock_ops *ctx, struct weir_sock *sock,
                                                const struct weir_svc_settings *settings) {
    own_fault__answered(bpf_get_netns_cookie(ctx), sock->edge.svc_port, settings);
    struct weir_ep_state *state = health__row(&sock->edge);
    if (!state)
        return;
    if (state->failures)
        state->failures = 0;
    failures__count(state, settings, WEIR_WINDOW_CONNECT);
    if (!state->resets) {
        heard__restore(sock, state);
        return;
    }
    heard__accepted(sock, state, settings->eject_ms);
    if (!sock->sampled) /* its first byte is looked out for */
        sock->sampled = 1;
}

/* The retransmission timer of an open connection ran out, once more in a row than before, after so
 * many jiffies. One connection is one failure, however often it sends again. */
static __always_inline void outliers__timed_out(struct bpf_sock_ops *ctx, struct weir_sock *sock,
                                                __u32 before, __u32 jiffies) {
    __u64 ms = (__u64)jiffies * weir_tick_ns / WEIR_NS_PER_MS;
    __u32 failure = WEIR_FAILURE_TIMEOUT | FAILURES_STALLED |
                    (__u32)(ms < FAILURES_SENT_MOST_MS ? ms : FAILURES_SENT_MOST_MS) << 16;
    if (!weir_is_stall(before))
        return;
    if (weir_is_stall(before - 1))
        failure |= FAILURES_AGAIN;
    else
        reason__count(WEIR_REASON_STALLED);
    outliers__failed(ctx, sock, failure);
}

#endif

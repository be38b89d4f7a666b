/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is known of an endpoint's health, by the connects of this node: written by sock_ops as they
 * fail and succeed, read by every pick. No probe, and no daemon. Decisions are core/health.h's.
 */
#ifndef WEIR_HEALTH_BPF_H
#define WEIR_HEALTH_BPF_H

#include "active.bpf.h"
#include "core/addr.h"
#include "core/health.h"
#include "core/slow_start.h"
#include "counters.bpf.h"

#define HEALTH_NONE ~0u /* no slot, no index */

/* WEIR_HEALTH_* of a row; user space clears it before the row gets another endpoint. */
static __always_inline __u32 health__of(const struct weir_ep_state *state, __u64 clock) {
    return weir_health_at(*(volatile __u64 *)&state->ejected_until_ns,
                          *(volatile __u64 *)&state->held_until_ns, clock);
}

/* Until when outlier detection is off by hand, on the whole node. */
static __always_inline __u64 health__detection_off_until(void) {
    __u32 zero = 0;
    struct weir_node *node = bpf_map_lookup_elem(&weir_node, &zero);
    return node ? node->detection_off_until_ns : 0;
}

/* Which part of its weight an endpoint has, of WEIR_SHARE_WHOLE. */
static __always_inline __u32 health__share(const struct weir_ep_state *state, __u32 slow_start_ms) {
    return slow_start_ms
               ? weir_slow_start_share(state->changed_ns, bpf_ktime_get_coarse_ns(), slow_start_ms)
               : WEIR_SHARE_WHOLE;
}

/* As many connections as it may have; `most` 0: any number. */
static __always_inline int health__is_full(const struct weir_ep_state *state, __u32 most) {
    return most && (__s64)active__of(state) >= most;
}

/* What endpoints are passed over for: being out by that clock, being full, and, where endpoints are
 * not compared by weights that grow, being in their slow start and out of luck. */
struct health_test {
    __u64 clock;
    __u32 max_per_endpoint;
    __u32 slow_start_ms;
};

/* What of it comes from the settings, in one word. */
static __always_inline __u64 health__marks(const struct weir_svc_settings *settings) {
    return settings->max_per_endpoint | (__u64)settings->slow_start_ms << 32;
}

static __always_inline struct health_test health__test(__u64 clock, __u64 marks) {
    return (struct health_test){clock, (__u32)marks, (__u32)(marks >> 32)};
}

static __always_inline int health__passes_over(__u32 id, const struct health_test *test,
                                               __u32 luck) {
    struct weir_ep_state *state = bpf_map_lookup_elem(&weir_ep_state, &id);
    return !state || health__of(state, test->clock) == WEIR_HEALTH_OUT ||
           health__is_full(state, test->max_per_endpoint) ||
           !weir_has_share(health__share(state, test->slow_start_ms), luck);
}

/* Out by hand: what connects say of it is not asked for. */
static __always_inline int health__is_held(const struct weir_ep_state *state) {
    __u64 held_until_ns = *(volatile __u64 *)&state->held_until_ns;
    return held_until_ns && held_until_ns > bpf_ktime_get_ns();
}

/* The endpoint's row, where it is still the same endpoint; NULL. */
static __always_inline struct weir_ep_state *health__row_of(__u32 endpoint, __u32 generation) {
    struct weir_ep_state *state = bpf_map_lookup_elem(&weir_ep_state, &endpoint);
    return state && state->generation == generation ? state : NULL;
}

static __always_inline struct weir_ep_state *health__row(const struct weir_edge_key *edge) {
    return health__row_of(edge->endpoint, edge->generation);
}

/* It is in again. 0: somebody else has said so, or it is out by hand. */
static __always_inline int health__restore(struct weir_ep_state *state) {
    __u64 until = *(volatile __u64 *)&state->ejected_until_ns;
    if (!until || health__is_held(state) ||
        __sync_val_compare_and_swap(&state->ejected_until_ns, until, 0) != until)
        return 0;
    state->changed_ns = bpf_ktime_get_ns();
    state->window = 0;
    reason__count(WEIR_REASON_RESTORED);
    return 1;
}

#define HEALTH_ADMITTED 1
#define HEALTH_TRIED 2

/* Whether a connect may go to a picked endpoint: it is in, or this connect is the one that tries
 * it; the next may when the ejection's base time has passed again. 0: it may not. */
static __always_inline int health__admits(__u32 id, __u32 base_ms, __u64 clock) {
    struct weir_ep_state *state = bpf_map_lookup_elem(&weir_ep_state, &id);
    if (!state)
        return 1;
    __u64 until = *(volatile __u64 *)&state->ejected_until_ns;
    __u32 health = health__of(state, clock);
    if (health != WEIR_HEALTH_DUE)
        return health == WEIR_HEALTH_IN;
    __u64 next = weir_until_next_try(until, clock, base_ms);
    return __sync_val_compare_and_swap(&state->ejected_until_ns, until, next) == until
               ? HEALTH_TRIED
               : 0;
}

/* The connect that was to try it does not go there after all: the next one may. */
static __noinline int health__give_back_try(__u32 id) {
    struct weir_ep_state *state = bpf_map_lookup_elem(&weir_ep_state, &id);
    __u64 now_ns = bpf_ktime_get_coarse_ns();
    __u64 until = state ? *(volatile __u64 *)&state->ejected_until_ns : 0;
    if (until > now_ns)
        __sync_val_compare_and_swap(&state->ejected_until_ns, until,
                                    weir_until_given_back(until, now_ns));
    return 0;
}

#endif

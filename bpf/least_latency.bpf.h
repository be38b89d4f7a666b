/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Least latency: of two endpoints drawn at random, the one that answers sooner, by what their last
 * answers took and how many connections they have. Writes only when it tries one that was slow.
 */
#ifndef WEIR_LEAST_LATENCY_BPF_H
#define WEIR_LEAST_LATENCY_BPF_H

#include "core/least_latency.h"
#include "core/pick.h"
#include "health.bpf.h"
#include "service_view.bpf.h"

#define LATENCY_LOOKS 16 /* where endpoints are out */

/* A look for an endpoint that is in, from a slot on. */
struct latency_search {
    struct weir_slot_set slots;
    struct health_test test;
    __u32 endpoint_base;
    __u32 start;
    __u32 except; /* this slot is not looked at */
    __u32 slot;   /* that was found; or HEALTH_NONE */
};

static long latency__look(__u32 i, struct latency_search *search) {
    __u32 slot = (search->start + i) % search->slots.count;
    __u32 word = search->slots.offset + slot;
    __u64 *cell = bpf_map_lookup_elem(&weir_slot, &word);
    if (!cell || slot == search->except ||
        health__passes_over(search->endpoint_base + weir_cell_index(*cell), &search->test, 0))
        return 0;
    search->slot = slot;
    return 1;
}

static __always_inline __u32 latency__find(struct latency_search *search, __u32 start,
                                           __u32 except) {
    search->start = start;
    search->except = except;
    search->slot = HEALTH_NONE;
    bpf_loop(search->slots.count < LATENCY_LOOKS ? search->slots.count : LATENCY_LOOKS,
             latency__look, search, 0);
    return search->slot;
}

/* The state of the endpoint in a cell, and how it is compared; NULL: it leads nowhere. */
static __always_inline struct weir_ep_state *latency__candidate(__u32 word, __u32 endpoint_base,
                                                                __u32 slow_start_ms,
                                                                struct weir_candidate *candidate,
                                                                __u32 *index) {
    __u64 *cell = bpf_map_lookup_elem(&weir_slot, &word);
    if (!cell)
        return NULL;
    *index = weir_cell_index(*cell);
    __u32 id = endpoint_base + *index;
    struct weir_ep_state *state = bpf_map_lookup_elem(&weir_ep_state, &id);
    if (!state)
        return NULL;
    __u64 latency = *(volatile __u64 *)&state->latency_word, active = state->active;
    candidate->us = weir_latency_us(latency);
    candidate->known = weir_latency_is_known(latency);
    candidate->active = active < WEIR_ACTIVE_MOST ? active : WEIR_ACTIVE_MOST;
    candidate->weight = weir_cell_weight(*cell) * health__share(state, slow_start_ms);
    return state;
}

/* Whether this connect is the one that tries the worse of two; one at a time may. */
static __always_inline int latency__tries(struct weir_ep_state *state) {
    __u32 now_ms = bpf_ktime_get_coarse_ns() / WEIR_NS_PER_MS;
    __u32 tried_ms = *(volatile __u32 *)&state->tried_ms;
    __u64 latency = *(volatile __u64 *)&state->latency_word;
    return latency && weir_is_worth_a_try(latency, tried_ms, now_ms, bpf_get_prandom_u32()) &&
           __sync_val_compare_and_swap(&state->tried_ms, tried_ms, now_ms) == tried_ms;
}

/* The index of the better one of the endpoints in two cells, or -1 where one leads nowhere. A
 * global function: the verifier looks at it once, and not again for each path that leads to it. */
__weak __noinline int latency__winner(__u32 first, __u32 second, __u32 endpoint_base,
                                      __u32 slow_start_ms) {
    struct weir_candidate a = {}, b = {};
    __u32 mine = 0, its = 0;
    struct weir_ep_state *my_state =
        latency__candidate(first, endpoint_base, slow_start_ms, &a, &mine);
    struct weir_ep_state *its_state =
        latency__candidate(second, endpoint_base, slow_start_ms, &b, &its);
    if (!my_state || !its_state)
        return -1;
    int first_wins = weir_is_quicker(a, b, 1);
    if (latency__tries(first_wins ? its_state : my_state))
        first_wins = !first_wins;
    return first_wins ? mine : its;
}

/* 0 and the index, or -1 where a row leads nowhere; of two that are drawn, as pick__compared. */
static __noinline int pick__least_latency(const struct service_view *view, __u64 now_ns,
                                          __u32 *index) {
    __u32 count = view->slots.count;
    struct latency_search search = {.slots = view->slots,
                                    .test = {now_ns, view->settings->max_per_endpoint, 0},
                                    .endpoint_base = view->settings->endpoint_base};
    if (!count)
        return -1;
    __u32 start = weir_random_cell(bpf_get_prandom_u32(), count);
    __u32 first = latency__find(&search, start, HEALTH_NONE);
    if (first == HEALTH_NONE) /* all are out: whichever it is, the caller knows */
        first = start;
    start = first + 1 + weir_random_cell(bpf_get_prandom_u32(), count - 1);
    __u32 second = latency__find(&search, start, first);
    if (second == HEALTH_NONE)
        second = first;
    int winner = latency__winner(view->slots.offset + first, view->slots.offset + second,
                                 view->settings->endpoint_base, view->settings->slow_start_ms);
    *index = winner < 0 ? 0 : winner;
    return winner < 0 ? -1 : 0;
}

#endif

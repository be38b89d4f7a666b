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

/* A look for an endpoint that is in, and has luck in its slow start, from a slot on. */
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
        health__passes_over(search->endpoint_base + weir_cell_index(*cell), &search->test,
                            bpf_get_prandom_u32()))
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

/* The row of the endpoint in a cell; where there is none, one that leads nowhere. */
static __always_inline __u32 latency__endpoint(const __u64 *cell, __u32 endpoint_base) {
    return cell ? endpoint_base + weir_cell_index(*cell) : HEALTH_NONE;
}

/* How the endpoint in a cell is compared, packed; 0: it leads nowhere. */
__weak __noinline __u64 latency__candidate(__u32 word, __u32 endpoint_base) {
    __u64 *cell = bpf_map_lookup_elem(&weir_slot, &word);
    __u32 id = latency__endpoint(cell, endpoint_base);
    struct weir_ep_state *state = bpf_map_lookup_elem(&weir_ep_state, &id);
    if (!cell || !state)
        return 0;
    __u64 latency = *(volatile __u64 *)&state->latency_word, active = active__of(state);
    return weir_candidate_pack((struct weir_candidate){
        weir_latency_us(latency), weir_latency_is_known(latency),
        active < WEIR_ACTIVE_MOST ? active : WEIR_ACTIVE_MOST, weir_cell_weight(*cell)});
}

/* Whether this connection may be the one that tries the worse of two: it was ejected, and its time
 * is over by that clock (then who picks sees to it that one does); or it was slow a while ago. */
__weak __noinline int latency__tries(__u32 word, __u32 endpoint_base, __u64 clock) {
    __u64 *cell = bpf_map_lookup_elem(&weir_slot, &word);
    __u32 id = latency__endpoint(cell, endpoint_base);
    struct weir_ep_state *state = bpf_map_lookup_elem(&weir_ep_state, &id);
    if (!state)
        return 0;
    if (clock != WEIR_HEALTH_ALL_DUE && health__of(state, clock) == WEIR_HEALTH_DUE)
        return 1;
    __u32 now_ms = bpf_ktime_get_coarse_ns() / WEIR_NS_PER_MS;
    __u32 tried_ms = *(volatile __u32 *)&state->tried_ms;
    __u64 latency = *(volatile __u64 *)&state->latency_word;
    return latency && weir_is_worth_a_try(latency, tried_ms, now_ms, bpf_get_prandom_u32()) &&
           __sync_val_compare_and_swap(&state->tried_ms, tried_ms, now_ms) == tried_ms;
}

/* Which of two cells has the better endpoint, or HEALTH_NONE where one leads nowhere. */
static __always_inline __u32 latency__winner(__u32 first, __u32 second, __u32 endpoint_base,
                                             __u64 clock) {
    __u64 a = latency__candidate(first, endpoint_base);
    __u64 b = latency__candidate(second, endpoint_base);
    if (!a || !b)
        return HEALTH_NONE;
    __u32 winner = first, loser = second;
    if (!weir_is_quicker(weir_candidate_unpack(a), weir_candidate_unpack(b), 1)) {
        winner = second;
        loser = first;
    }
    return first != second && latency__tries(loser, endpoint_base, clock) ? loser : winner;
}

/* Two slots whose endpoints are in, drawn at random; the same where there are no two. Where all are
 * out it is whoever was drawn: the caller looks again. */
static __always_inline __u32 latency__draw_two(struct latency_search *search, __u32 *second) {
    __u32 count = search->slots.count;
    __u32 start = weir_random_cell(bpf_get_prandom_u32(), count);
    __u32 first = latency__find(search, start, HEALTH_NONE);
    if (first == HEALTH_NONE)
        first = start;
    start = first + 1 + weir_random_cell(bpf_get_prandom_u32(), count - 1);
    *second = latency__find(search, start, first);
    if (*second == HEALTH_NONE)
        *second = first;
    return first;
}

/* The index of the endpoint, or -1 where a row leads nowhere; arguments as pick__rendezvous has
 * them. */
__weak __noinline int pick__least_latency(__u64 slots, __u32 endpoint_base, __u64 marks,
                                          __u64 clock) {
    struct latency_search search = {.slots = weir_slot_set_unpack(slots),
                                    .test = health__test(clock, marks),
                                    .endpoint_base = endpoint_base};
    __u32 second;
    if (!search.slots.count)
        return -1;
    __u32 first = latency__draw_two(&search, &second);
    __u32 word = latency__winner(search.slots.offset + first, search.slots.offset + second,
                                 endpoint_base, clock);
    __u64 *cell = bpf_map_lookup_elem(&weir_slot, &word);
    return cell && word != HEALTH_NONE ? (int)weir_cell_index(*cell) : -1;
}

#endif

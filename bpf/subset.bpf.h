/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which subset of a service port's endpoints a connect has: by its turn, so that the weights hold
 * exactly, or by who calls. Writes the count of turns only.
 */
#ifndef WEIR_SUBSET_BPF_H
#define WEIR_SUBSET_BPF_H

#include "service_view.bpf.h"

#define SUBSET_NONE ~0u

/* A walk over the records. By bpf_loop, with atomics for what adds up: compare.bpf.h. */
struct subset_walk {
    __u64 key;  /* of the caller */
    __u32 word; /* of the first record, in `slot` */
    __u32 reach;
    __u32 sum;          /* of the weights */
    __u32 point;        /* among them: where the turn falls */
    __u32 cost, weight; /* the best bid */
    __u32 found;
};

/* A record's weight; 0: its subset has no endpoint that the socket can reach. */
static __always_inline __u32 subset__weight(const struct subset_walk *walk, __u32 i) {
    __u32 word = walk->word + i * WEIR_SUBSET_WORDS + WEIR_SUBSET_WEIGHT;
    __u64 *weight = bpf_map_lookup_elem(&weir_slot, &word);
    word = walk->word + weir_group_word(weir_group_of(i, 0), walk->reach);
    __u64 *slots = bpf_map_lookup_elem(&weir_slot, &word);
    return weight && slots && *slots >> 32 ? (__u32)*weight : 0;
}

static long subset__add_up(__u32 i, struct subset_walk *walk) {
    __sync_fetch_and_add(&walk->sum, subset__weight(walk, i));
    return 0;
}

static long subset__meets_point(__u32 i, struct subset_walk *walk) {
    __u32 weight = subset__weight(walk, i);
    if (walk->point < weight) {
        walk->found = i;
        return 1;
    }
    walk->point -= weight;
    return 0;
}

static long subset__bids(__u32 i, struct subset_walk *walk) {
    __u32 word = walk->word + i * WEIR_SUBSET_WORDS + WEIR_SUBSET_SEED;
    __u64 *seed = bpf_map_lookup_elem(&weir_slot, &word);
    __u32 weight = subset__weight(walk, i);
    if (!seed || !weight)
        return 0;
    __u32 cost = weir_rendezvous_cost(walk->key, *seed);
    if (!weir_rendezvous_wins(cost, weight, walk->cost, walk->weight))
        return 0;
    walk->cost = cost;
    walk->weight = weight;
    walk->found = i;
    return 0;
}

static __always_inline __u64 subset__next_turn(__u32 svc_port) {
    struct weir_svc_state *state = bpf_map_lookup_elem(&weir_svc_state, &svc_port);
    return state ? __sync_fetch_and_add(&state->subset_turn, 1) : 0;
}

/* Which subset, or SUBSET_NONE: none of them has an endpoint that the socket can reach.
 * `cohort`: of the caller. */
static __noinline __u32 subset__choose(const struct service_view *view, __u32 cohort) {
    const struct weir_svc_settings *settings = view->settings;
    __u32 offset = weir_published_decode(view->published).offset;
    __u32 count = settings->subsets.count;
    struct subset_walk walk = {.key = weir_cohort_key(cohort),
                               .word = offset + settings->subsets.offset,
                               .reach = view->reach,
                               .cost = WEIR_NO_BID_COST,
                               .weight = WEIR_NO_BID_WEIGHT,
                               .found = SUBSET_NONE};
    if (settings->flags & WEIR_SVC_SUBSET_BY_WORKLOAD) {
        bpf_loop(count, subset__bids, &walk, 0);
        return walk.found;
    }
    if (count == 1)
        return subset__weight(&walk, 0) ? 0 : SUBSET_NONE;
    bpf_loop(count, subset__add_up, &walk, 0);
    walk.point = weir_point_among(weir_even_turn(subset__next_turn(view->svc_port)), walk.sum);
    bpf_loop(count, subset__meets_point, &walk, 0);
    return walk.found;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Algorithms that compare endpoints: the least connections, and the best bid of a rendezvous.
 * Endpoints that are out are no candidates. Writes nothing.
 */
#ifndef WEIR_COMPARE_BPF_H
#define WEIR_COMPARE_BPF_H

#include "core/consistent_hash.h"
#include "core/least_connections.h"
#include "core/pick.h"
#include "health.bpf.h"
#include "service_view.bpf.h"

/*
 * What a look at several endpoints knows. By bpf_loop: a loop in place costs the verifier ten times
 * as many instructions. Kernel 6.1 verifies only the first call of the callback, and cuts out what
 * that one does not reach: at the start nothing may hold a value that decides a branch.
 */
struct pick_scan {
    struct weir_slot_set slots;
    __u32 endpoint_base;
    int corrupt;
    struct health_test test;
    __u32 random; /* the luck of whom is in its slow start, too */
    union {
        struct weir_least least;
        struct {
            __u64 key;          /* of the client's hash slot */
            __u32 cost, weight; /* the best bid of a rendezvous */
            __u32 index;
            __u32 offered; /* the bid that is looked at: there is no more stack */
        };
    };
};

#define WEIR_LOOP_ON 0
#define WEIR_LOOP_END 1

static long pick__look_at_load(__u32 i, struct pick_scan *scan) {
    __u32 slot = i;
    scan->random = weir_next_random(scan->random);
    if (scan->slots.count > WEIR_SCAN_MAX)
        slot = weir_random_cell(scan->random, scan->slots.count);
    __u32 word = scan->slots.offset + slot;
    __u64 *cell = bpf_map_lookup_elem(&weir_slot, &word);
    __u32 id = scan->endpoint_base + (cell ? weir_cell_index(*cell) : 0);
    struct weir_ep_state *state = bpf_map_lookup_elem(&weir_ep_state, &id);
    if (!cell || !state) {
        scan->corrupt = 1;
        return WEIR_LOOP_END;
    }
    if (health__of(state, scan->test.clock) == WEIR_HEALTH_OUT ||
        health__is_full(state, scan->test.max_per_endpoint))
        return WEIR_LOOP_ON;
    scan->random = weir_next_random(scan->random);
    weir_least_offer(&scan->least, weir_cell_index(*cell),
                     weir_cell_weight(*cell) * health__share(state, scan->test.slow_start_ms),
                     active__of(state), scan->random);
    return WEIR_LOOP_ON;
}

static long pick__look_at_bid(__u32 i, struct pick_scan *scan) {
    __u32 word = scan->slots.offset + 2 * i;
    __u64 *cell = bpf_map_lookup_elem(&weir_slot, &word);
    word++;
    __u64 *seed = bpf_map_lookup_elem(&weir_slot, &word);
    if (!cell || !seed) {
        scan->corrupt = 1;
        return WEIR_LOOP_END;
    }
    scan->offered = weir_rendezvous_cost(scan->key, *seed);
    if (!weir_rendezvous_wins(scan->offered, weir_cell_weight(*cell), scan->cost, scan->weight) ||
        health__passes_over(scan->endpoint_base + weir_cell_index(*cell), &scan->test,
                            scan->random))
        return WEIR_LOOP_ON;
    scan->cost = scan->offered;
    scan->weight = weir_cell_weight(*cell);
    scan->index = weir_cell_index(*cell);
    return WEIR_LOOP_ON;
}

/* Whoever is first, for when nobody is a candidate: the caller looks at it again. */
static __always_inline __u32 pick__first_of(struct weir_slot_set slots) {
    __u64 *cell = bpf_map_lookup_elem(&weir_slot, &slots.offset);
    return cell ? weir_cell_index(*cell) : 0;
}

/* The index of the endpoint that the client's hash slot has a rendezvous with, or -1 where a row
 * leads nowhere. In a slow start, the clients that an endpoint has already stay with it as its
 * share grows. `clock`: who is ejected until later is no candidate; `marks`: of health__marks. */
__weak __noinline int pick__rendezvous(__u64 slots, __u32 endpoint_base, __u64 marks, __u64 clock,
                                       __u64 client) {
    struct pick_scan scan = {.slots = weir_slot_set_unpack(slots),
                             .endpoint_base = endpoint_base,
                             .test = health__test(clock, marks),
                             .random = weir_client_luck(client),
                             .key = weir_hash_slot_key(weir_hash_slot(client)),
                             .cost = WEIR_NO_BID_COST,
                             .weight = WEIR_NO_BID_WEIGHT};
    scan.index = pick__first_of(scan.slots);
    bpf_loop(scan.slots.count, pick__look_at_bid, &scan, 0);
    if (scan.cost == WEIR_NO_BID_COST && scan.test.slow_start_ms) {
        scan.test.slow_start_ms = 0; /* all are in their slow start */
        bpf_loop(scan.slots.count, pick__look_at_bid, &scan, 0);
    }
    return scan.corrupt ? -1 : (int)scan.index;
}

/* The same for the least connections: of all endpoints up to WEIR_SCAN_MAX, of two drawn ones where
 * there are more. */
__weak __noinline int pick__least_connections(__u64 slots, __u32 endpoint_base, __u64 marks,
                                              __u64 clock) {
    struct pick_scan scan = {.slots = weir_slot_set_unpack(slots),
                             .endpoint_base = endpoint_base,
                             .test = health__test(clock, marks),
                             .random = bpf_get_prandom_u32()};
    scan.least = (struct weir_least)WEIR_LEAST_NONE;
    scan.least.index = pick__first_of(scan.slots);
    bpf_loop(scan.slots.count > WEIR_SCAN_MAX ? 2 : scan.slots.count, pick__look_at_load, &scan, 0);
    return scan.corrupt ? -1 : (int)scan.least.index;
}

#endif

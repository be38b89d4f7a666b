/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How one of a service port's endpoints is chosen, one function per algorithm: 0 and its index in
 * the service port's range, or -1 when a row leads nowhere. Writes only the round-robin cursor.
 */
#ifndef WEIR_PICK_BPF_H
#define WEIR_PICK_BPF_H

#include "core/addr.h"
#include "core/consistent_hash.h"
#include "core/least_connections.h"
#include "core/pick.h"
#include "maps.bpf.h"

/* The next turn of the schedule that sockets of this reach walk. */
static __always_inline __u64 pick__next_turn(__u32 svc_port, __u32 reach) {
    struct weir_svc_state *state = bpf_map_lookup_elem(&weir_svc_state, &svc_port);
    if (!state)
        return 0;
    if (reach == WEIR_REACH_V4)
        return __sync_fetch_and_add(&state->cursor_v4, 1);
    if (reach == WEIR_REACH_V6)
        return __sync_fetch_and_add(&state->cursor_v6, 1);
    return __sync_fetch_and_add(&state->cursor, 1);
}

static __always_inline int pick__packed(struct weir_slot_set slots, __u32 slot, __u32 *index) {
    __u32 word = slots.offset + weir_packed_word(slot);
    __u64 *cell = bpf_map_lookup_elem(&weir_slot, &word);
    if (!cell)
        return -1;
    *index = weir_packed_index(*cell, slot);
    return 0;
}

static __always_inline int pick__random(struct weir_slot_set slots, __u32 *index) {
    __u32 random = bpf_get_prandom_u32();
    __u32 word = slots.offset + weir_random_cell(random, slots.count);
    __u64 *cell = bpf_map_lookup_elem(&weir_slot, &word);
    if (!cell)
        return -1;
    *index = weir_alias_pick(*cell, weir_random_fraction(random, slots.count));
    return 0;
}

/*
 * What a look at several endpoints knows. By bpf_loop: a loop in place costs the verifier ten times
 * as many instructions. Kernel 6.1 verifies only the first call of the callback, and cuts out what
 * that one does not reach: at the start nothing may hold a value that decides a branch.
 */
struct pick_scan {
    struct weir_slot_set slots;
    __u32 endpoint_base;
    __u32 random;
    __u64 key; /* of the client's hash slot */
    struct weir_least least;
    __u32 cost, weight; /* the best bid of a rendezvous */
    __u32 index;
    int corrupt;
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
    scan->random = weir_next_random(scan->random);
    weir_least_offer(&scan->least, weir_cell_index(*cell), weir_cell_weight(*cell), state->active,
                     scan->random);
    return WEIR_LOOP_ON;
}

/* Looks at all endpoints up to WEIR_SCAN_MAX, at two drawn ones where there are more. */
static __always_inline int pick__least_connections(__u32 endpoint_base, struct weir_slot_set slots,
                                                   __u32 *index) {
    struct pick_scan scan = {.slots = slots,
                             .endpoint_base = endpoint_base,
                             .random = bpf_get_prandom_u32(),
                             .least = WEIR_LEAST_NONE};
    bpf_loop(slots.count > WEIR_SCAN_MAX ? 2 : slots.count, pick__look_at_load, &scan, 0);
    *index = scan.least.index;
    return scan.corrupt ? -1 : 0;
}

static long pick__look_at_bid(__u32 i, struct pick_scan *scan) {
    __u32 word = scan->slots.offset + 2 * i, next = word + 1;
    __u64 *cell = bpf_map_lookup_elem(&weir_slot, &word);
    __u64 *seed = bpf_map_lookup_elem(&weir_slot, &next);
    if (!cell || !seed) {
        scan->corrupt = 1;
        return WEIR_LOOP_END;
    }
    __u32 cost = weir_rendezvous_cost(scan->key, *seed), weight = weir_cell_weight(*cell);
    if (!weir_rendezvous_wins(cost, weight, scan->cost, scan->weight))
        return WEIR_LOOP_ON;
    scan->cost = cost;
    scan->weight = weight;
    scan->index = weir_cell_index(*cell);
    return WEIR_LOOP_ON;
}

static __always_inline int pick__rendezvous(struct weir_slot_set slots, __u64 client,
                                            __u32 *index) {
    struct pick_scan scan = {.slots = slots,
                             .key = weir_hash_slot_key(weir_hash_slot(client)),
                             .cost = WEIR_NO_BID_COST,
                             .weight = WEIR_NO_BID_WEIGHT};
    bpf_loop(slots.count, pick__look_at_bid, &scan, 0);
    *index = scan.index;
    return scan.corrupt ? -1 : 0;
}

/* `slots` are not empty. */
static __always_inline int pick__slot(__u32 svc_port, __u32 reach,
                                      const struct weir_svc_settings *settings,
                                      struct weir_slot_set slots, __u64 client, __u32 *index) {
    switch (settings->algorithm) {
        case WEIR_ALGORITHM_ROUND_ROBIN:
            return pick__packed(slots, pick__next_turn(svc_port, reach) % slots.count, index);
        case WEIR_ALGORITHM_LEAST_CONNECTIONS:
            return pick__least_connections(settings->endpoint_base, slots, index);
        case WEIR_ALGORITHM_RENDEZVOUS:
            return pick__rendezvous(slots, client, index);
        case WEIR_ALGORITHM_HASH_TABLE:
            return pick__packed(slots, weir_hash_slot(client), index);
        default:
            return pick__random(slots, index);
    }
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How one of a service port's endpoints is chosen, one function per algorithm: 0 and its index in
 * the service port's range, or -1 when a row leads nowhere. Writes only the round-robin cursor.
 */
#ifndef WEIR_PICK_BPF_H
#define WEIR_PICK_BPF_H

#include "compare.bpf.h"
#include "core/addr.h"
#include "least_latency.bpf.h"
#include "maps.bpf.h"

/* The next turn of the schedule that sockets of this reach walk in a group. */
static __always_inline __u64 pick__next_turn(__u32 svc_port, __u32 reach, __u32 group) {
    struct weir_svc_state *state = bpf_map_lookup_elem(&weir_svc_state, &svc_port);
    if (!state)
        return 0;
    if (group != WEIR_GROUP_ALL)
        return __sync_fetch_and_add(&state->group_turns[weir_group_turn(group, reach)], 1);
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

static __always_inline int pick__in_turn(struct weir_slot_set slots, __u32 svc_port, __u32 reach,
                                         __u32 group, __u32 *index) {
    return pick__packed(slots, pick__next_turn(svc_port, reach, group) % slots.count, index);
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

/* The index in a slot; of an alias cell the one of its two that the fraction is for. */
static __always_inline int pick__index_in(struct weir_slot_set slots, __u32 algorithm, __u32 slot,
                                          __u32 fraction, __u32 *index) {
    if (weir_is_packed(algorithm))
        return pick__packed(slots, slot, index);
    __u32 word = slots.offset + weir_slot_words(algorithm, slot);
    __u64 *cell = bpf_map_lookup_elem(&weir_slot, &word);
    if (!cell)
        return -1;
    *index = algorithm == WEIR_ALGORITHM_RANDOM ? weir_alias_pick(*cell, fraction)
                                                : weir_cell_index(*cell);
    return 0;
}

static __always_inline int pick__compares(const struct service_view *view) {
    __u32 algorithm = view->settings->algorithm;
    return algorithm == WEIR_ALGORITHM_LEAST_CONNECTIONS ||
           algorithm == WEIR_ALGORITHM_LEAST_LATENCY || algorithm == WEIR_ALGORITHM_RENDEZVOUS;
}

/* For algorithms that compare endpoints; `clock` as pick__rendezvous has it. */
static __always_inline int pick__compared(const struct service_view *view, __u64 client,
                                          __u64 clock, __u32 *index) {
    const struct weir_svc_settings *settings = view->settings;
    __u64 slots = weir_slot_set_pack(view->slots), marks = health__marks(settings);
    int picked;
    if (settings->algorithm == WEIR_ALGORITHM_RENDEZVOUS)
        picked = pick__rendezvous(slots, settings->endpoint_base, marks, clock, client);
    else if (settings->algorithm == WEIR_ALGORITHM_LEAST_LATENCY)
        picked = pick__least_latency(slots, settings->endpoint_base, marks, clock);
    else
        picked = pick__least_connections(slots, settings->endpoint_base, marks, clock);
    *index = picked;
    return picked < 0 ? -1 : 0;
}

/* The algorithm's own choice; the view's slots are not empty. */
static __always_inline int pick__slot(const struct service_view *view, __u64 client, __u64 clock,
                                      __u32 *index) {
    struct weir_slot_set slots = view->slots;
    switch (view->settings->algorithm) {
        case WEIR_ALGORITHM_ROUND_ROBIN:
            return pick__in_turn(slots, view->svc_port, view->reach, view->group, index);
        case WEIR_ALGORITHM_LEAST_CONNECTIONS:
        case WEIR_ALGORITHM_LEAST_LATENCY:
        case WEIR_ALGORITHM_RENDEZVOUS:
            return pick__compared(view, client, clock, index);
        case WEIR_ALGORITHM_HASH_TABLE:
            return pick__packed(slots, weir_hash_slot(client), index);
        default:
            return pick__random(slots, index);
    }
}

#endif

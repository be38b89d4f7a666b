/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which of a service port's endpoints a connect is offered first: those of one subset, and of them
 * those in the zone of this node. Where these are out or full, the next group is: the whole subset,
 * then all endpoints. Compiled for the kernel and natively; no maps, no context.
 */
#ifndef WEIR_CORE_SUBSET_H
#define WEIR_CORE_SUBSET_H

#include "../../maps/abi/state.h"
#include "consistent_hash.h"

/*
 * A subset record, so many words among the published ones: weight, seed, and two times three words
 * which say where slots are: of the endpoints near by, and of all of the subset; each for the
 * sockets of every reach, from WEIR_REACH_V4 on. A service that has no subsets and prefers its zone
 * has one record.
 */
#define WEIR_SUBSET_WEIGHT 0
#define WEIR_SUBSET_SEED 1
#define WEIR_SUBSET_NEAR 2
#define WEIR_SUBSET_WHOLE 5
#define WEIR_SUBSET_WORDS 8

static inline __u64 weir_slot_set_pack(struct weir_slot_set slots) {
    return slots.offset | (__u64)slots.count << 32;
}

static inline struct weir_slot_set weir_slot_set_unpack(__u64 word) {
    return (struct weir_slot_set){(__u32)word, (__u32)(word >> 32)};
}

/* A group of endpoints: all of them, or a subset's, or its near ones. */
#define WEIR_GROUP_ALL 0u
#define WEIR_GROUPS_IN_TURN 3

static inline __u32 weir_group_of(__u32 subset, __u32 near) {
    return 2 + 2 * subset + (near != 0);
}

static inline int weir_group_is_near(__u32 group) {
    return group & 1;
}

/* Where to go on when nobody of the group can be had. */
static inline __u32 weir_group_after(__u32 group) {
    return weir_group_is_near(group) ? group - 1 : WEIR_GROUP_ALL;
}

/* The word, from the first record on, that says where the slots of a group are; not of ALL. */
static inline __u32 weir_group_word(__u32 group, __u32 reach) {
    return (group / 2 - 1) * WEIR_SUBSET_WORDS +
           (weir_group_is_near(group) ? WEIR_SUBSET_NEAR : WEIR_SUBSET_WHOLE) + reach - 1;
}

/* Reach and group in one word: what decides which slots a pick has. */
static inline __u32 weir_reach_in_group(__u32 reach, __u32 group) {
    return reach | group << 16;
}

static inline __u32 weir_reach_of(__u32 reach_in_group) {
    return reach_in_group & 0xff;
}

static inline __u32 weir_group_of_reach(__u32 reach_in_group) {
    return reach_in_group >> 16;
}

/* Which of weir_svc_state.group_turns a group goes by. More groups than there are share one: their
 * turns are less even then. */
static inline __u32 weir_group_turn(__u32 group, __u32 reach) {
    return (group + 5 * reach) % WEIR_GROUP_TURNS;
}

/* Turns spread evenly over 2^32: after any number of them every part of it has had its share, and
 * a few more or less (Weyl's sequence of the golden ratio: Knuth, TAOCP 3, 6.4). */
static inline __u32 weir_even_turn(__u64 turn) {
    return (__u32)turn * 0x9e3779b9u;
}

/* Where a turn falls among weights: below their sum. */
static inline __u32 weir_point_among(__u32 turn, __u32 sum) {
    return (__u64)turn * sum >> 32;
}

/* What a workload bids with for a subset: by rendezvous, so that a weight that grows moves
 * workloads only to the subset whose weight it is. */
static inline __u64 weir_cohort_key(__u16 cohort) {
    return weir_mix64(cohort + 1ull);
}

#endif

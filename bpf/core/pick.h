/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How an endpoint is chosen from a service port's slots, given a random number or a cursor.
 * Weighted random is Walker's alias method as built by Vose (IEEE TSE 17(9), 1991); weighted
 * round-robin walks a schedule that user space has laid out. Compiled for the kernel and natively;
 * no maps, no context.
 */
#ifndef WEIR_CORE_PICK_H
#define WEIR_CORE_PICK_H

#include "../../maps/abi/service.h"

#define WEIR_SLOTS_PER_WORD 4 /* 16-bit endpoint indices */
#define WEIR_INDEX_MAX 65536u /* endpoints of one service port */

/* An alias cell: take `self` when the fraction is below the threshold, else `alias`. */
static inline __u64 weir_alias_cell(__u32 threshold, __u16 self, __u16 alias) {
    return (__u64)threshold | (__u64)self << 32 | (__u64)alias << 48;
}

/* Splits one random number into a cell below `count` (<= 65536) and a fraction within that cell. */
static inline __u32 weir_random_cell(__u32 random, __u32 count) {
    return (__u64)random * count >> 32;
}

static inline __u32 weir_random_fraction(__u32 random, __u32 count) {
    return (__u32)((__u64)random * count);
}

/* A threshold of 2^32 - 1 means always `self`: both of its indices are the same then. */
static inline __u32 weir_alias_pick(__u64 cell, __u32 fraction) {
    return fraction < (__u32)cell ? (cell >> 32) & 0xffff : cell >> 48;
}

static inline __u32 weir_packed_word(__u32 slot) {
    return slot / WEIR_SLOTS_PER_WORD;
}

static inline __u32 weir_packed_index(__u64 word, __u32 slot) {
    return (word >> (slot % WEIR_SLOTS_PER_WORD * 16)) & 0xffff;
}

/* An endpoint and its weight, for algorithms that compare endpoints. */
static inline __u64 weir_weighted_cell(__u32 weight, __u16 index) {
    return (__u64)weight | (__u64)index << 32;
}

static inline __u32 weir_cell_weight(__u64 cell) {
    return cell;
}

static inline __u32 weir_cell_index(__u64 cell) {
    return cell >> 32 & 0xffff;
}

/* Four slots to a word? */
static inline int weir_is_packed(__u32 algorithm) {
    return algorithm == WEIR_ALGORITHM_ROUND_ROBIN || algorithm == WEIR_ALGORITHM_HASH_TABLE;
}

/* Whether who the client is decides which endpoint it has. */
static inline int weir_hashes_clients(__u32 algorithm) {
    return algorithm == WEIR_ALGORITHM_RENDEZVOUS || algorithm == WEIR_ALGORITHM_HASH_TABLE;
}

/* Words that `count` slots of an algorithm take. */
static inline __u32 weir_slot_words(__u32 algorithm, __u32 count) {
    if (weir_is_packed(algorithm))
        return (count + WEIR_SLOTS_PER_WORD - 1) / WEIR_SLOTS_PER_WORD;
    return algorithm == WEIR_ALGORITHM_RENDEZVOUS ? 2 * count : count;
}

#endif

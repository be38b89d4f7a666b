/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Consistent hashing of clients: each of 65,536 slots belongs to the endpoint that wins it by
 * weighted rendezvous hashing (Thaler and Ravishankar, IEEE/ACM ToN 6(1), 1998; weights as in
 * Schindelhauer and Schomaker, "Weighted distributed hash tables", SPAA 2005: the least
 * -log(u) / weight wins). An endpoint that goes moves its own clients only. Compiled for the kernel
 * and natively; no maps, no context.
 */
#ifndef WEIR_CORE_CONSISTENT_HASH_H
#define WEIR_CORE_CONSISTENT_HASH_H

#include "../../maps/abi/service.h"

/* MurmurHash3's fmix64 (Appleby). */
static inline __u64 weir_mix64(__u64 x) {
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdull;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53ull;
    return x ^ x >> 33;
}

static inline __u64 weir_hash_addr(const struct weir_addr *addr) {
    return weir_mix64(weir_mix64((__u64)addr->w[0] << 32 | addr->w[1]) ^
                      ((__u64)addr->w[2] << 32 | addr->w[3]));
}

/* What stands for an endpoint: the same on every node. The port in network byte order. */
static inline __u64 weir_endpoint_seed(const struct weir_addr *addr, __be16 port) {
    return weir_mix64(weir_hash_addr(addr) + port);
}

#define WEIR_LOG2_STEPS_LOG2 6
#define WEIR_LOG2_FRACTION 24 /* bits */
#define WEIR_LOG2_STEP_BITS (31 - WEIR_LOG2_STEPS_LOG2)

/* log2(1 + i / 64), in 2^-24. */
static const __u32 weir_log2_table[(1 << WEIR_LOG2_STEPS_LOG2) + 1] = {
    0,        375270,   744810,   1108793,  1467383,  1820738,  2169009,  2512340,  2850868,
    3184728,  3514044,  3838941,  4159533,  4475935,  4788255,  5096595,  5401057,  5701737,
    5998727,  6292118,  6581994,  6868440,  7151536,  7431359,  7707984,  7981483,  8251926,
    8519380,  8783912,  9045584,  9304457,  9560591,  9814042,  10064867, 10313120, 10558852,
    10802114, 11042956, 11281425, 11517568, 11751428, 11983051, 12212479, 12439752, 12664911,
    12887994, 13109041, 13328087, 13545168, 13760320, 13973576, 14184969, 14394532, 14602297,
    14808293, 15012551, 15215099, 15415967, 15615181, 15812769, 16008758, 16203172, 16396036,
    16587377, 16777216,
};

/* log2(x) in 2^-24, x > 0; linear between 64 steps of the mantissa: within 0.00005. */
static inline __u32 weir_log2(__u32 x) {
    __u32 exponent = 31;
    for (__u32 shift = 16; shift; shift >>= 1)
        if (!(x >> (32 - shift))) {
            x <<= shift;
            exponent -= shift;
        }
    __u32 mantissa = x & 0x7fffffff;
    __u32 step = mantissa >> WEIR_LOG2_STEP_BITS & ((1u << WEIR_LOG2_STEPS_LOG2) - 1);
    __u32 rest = mantissa & ((1u << WEIR_LOG2_STEP_BITS) - 1);
    __u32 low = weir_log2_table[step], high = weir_log2_table[step + 1];
    return (exponent << WEIR_LOG2_FRACTION) + low +
           (__u32)((__u64)(high - low) * rest >> WEIR_LOG2_STEP_BITS);
}

/* The slot that a client is in, and what the endpoints bid for. */
static inline __u32 weir_hash_slot(__u64 client) {
    return client >> (64 - WEIR_HASH_SLOTS_LOG2);
}

static inline __u64 weir_hash_slot_key(__u32 slot) {
    return weir_mix64(slot + 1);
}

/* Which endpoints in their slow start a client is among the first clients of (core/slow_start.h).
 */
static inline __u32 weir_client_luck(__u64 client) {
    return weir_mix64(~client) >> 32;
}

/* What an endpoint bids for a slot: -log2(u), u uniform in (0, 1]. To be divided by its weight. */
static inline __u32 weir_rendezvous_hash(__u64 key, __u64 seed) {
    return weir_mix64(key ^ seed) >> 32;
}

static inline __u32 weir_rendezvous_cost_of(__u32 hash) {
    return (32u << WEIR_LOG2_FRACTION) - weir_log2(hash ? hash : 1);
}

static inline __u32 weir_rendezvous_cost(__u64 key, __u64 seed) {
    return weir_rendezvous_cost_of(weir_rendezvous_hash(key, seed));
}

/* A bid that loses against every other. */
#define WEIR_NO_BID_COST 0xffffffffu
#define WEIR_NO_BID_WEIGHT 1u

/* Whether the first bid wins. */
static inline int weir_rendezvous_wins(__u32 cost, __u32 weight, __u32 best_cost,
                                       __u32 best_weight) {
    return (__u64)cost * best_weight < (__u64)best_cost * weight;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Most connects go to no service: one bit tells them so, without the hash table and its cache
 * misses. A bit that is set says maybe. Which bit stands for an address: vector multiply-shift
 * hashing (Thorup, "High Speed Hashing for Integers and Strings", arXiv 1504.06804, 3.3), mixed
 * once more, since neighbouring addresses are its worst case (MurmurHash3's fmix64, Appleby).
 * Compiled for the kernel and natively; no maps, no context.
 */
#ifndef WEIR_CORE_VIP_FILTER_H
#define WEIR_CORE_VIP_FILTER_H

#include "../../maps/abi/service.h"

/* Below WEIR_VIP_FILTER_BITS. */
static inline __u32 weir_vip_filter_bit(const struct weir_vip_key *key) {
    __u64 hash = 0x9e3779b97f4a7c15ull;
    hash += key->addr.w[0] * 0xbf58476d1ce4e5b9ull;
    hash += key->addr.w[1] * 0x94d049bb133111ebull;
    hash += key->addr.w[2] * 0xd6e8feb86659fd93ull;
    hash += key->addr.w[3] * 0xa0761d6478bd642full;
    hash += (key->port | (__u32)key->proto << 16) * 0xe7037ed1a0b428dbull;
    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdull;
    return (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53ull >> (64 - WEIR_VIP_FILTER_BITS_LOG2);
}

static inline __u32 weir_vip_filter_word(__u32 bit) {
    return bit / 64;
}

static inline __u64 weir_vip_filter_mask(__u32 bit) {
    return 1ull << (bit % 64);
}

#endif

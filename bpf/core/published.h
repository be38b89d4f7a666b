/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one word that makes a service port's rows visible: where its slots are, how many, which of
 * its two settings rows is in force, and the generation it belongs to. Written whole, read once.
 * Compiled for the kernel and natively; no maps, no context.
 */
#ifndef WEIR_CORE_PUBLISHED_H
#define WEIR_CORE_PUBLISHED_H

#include "../../maps/abi/service.h"
#include "addr.h"
#include "pick.h"

#define WEIR_OFFSET_BITS 26
#define WEIR_COUNT_BITS 17
#define WEIR_GENERATION_BITS 20
#define WEIR_SLOTS_MAX 65536u

struct weir_published {
    __u32 offset;     /* first word in `slot` */
    __u32 count;      /* slots; 0 = a service without endpoints */
    __u32 settings;   /* 0 or 1 */
    __u32 generation; /* of the mesh, modulo 2^20 - 1, plus 1: so that the word is never 0 */
};

static inline __u64 weir_published_encode(__u32 offset, __u32 count, __u32 settings,
                                          __u64 mesh_generation) {
    __u64 generation = mesh_generation % ((1u << WEIR_GENERATION_BITS) - 1) + 1;
    return (__u64)(offset & ((1u << WEIR_OFFSET_BITS) - 1)) |
           (__u64)(count & ((1u << WEIR_COUNT_BITS) - 1)) << WEIR_OFFSET_BITS |
           (__u64)(settings & 1) << (WEIR_OFFSET_BITS + WEIR_COUNT_BITS) |
           generation << (WEIR_OFFSET_BITS + WEIR_COUNT_BITS + 1);
}

static inline struct weir_published weir_published_decode(__u64 word) {
    struct weir_published published;
    published.offset = word & ((1u << WEIR_OFFSET_BITS) - 1);
    published.count = (word >> WEIR_OFFSET_BITS) & ((1u << WEIR_COUNT_BITS) - 1);
    published.settings = (word >> (WEIR_OFFSET_BITS + WEIR_COUNT_BITS)) & 1;
    published.generation = word >> (WEIR_OFFSET_BITS + WEIR_COUNT_BITS + 1);
    return published;
}

/* The slots that a socket of the given reach may use: all of them, or one family's. */
static inline struct weir_slot_set weir_slots_in_reach(const struct weir_published *published,
                                                       const struct weir_svc_settings *settings,
                                                       __u32 reach) {
    struct weir_slot_set slots = {0, published->count};
    if (reach == WEIR_REACH_V4)
        slots = settings->v4;
    else if (reach == WEIR_REACH_V6)
        slots = settings->v6;
    slots.offset += published->offset;
    return slots;
}

/* Words from the published offset on: the three sets may share them. */
static inline __u32 weir_published_words(const struct weir_published *published,
                                         const struct weir_svc_settings *settings) {
    __u32 words = weir_slot_words(settings->algorithm, published->count);
    __u32 v4 = settings->v4.offset + weir_slot_words(settings->algorithm, settings->v4.count);
    __u32 v6 = settings->v6.offset + weir_slot_words(settings->algorithm, settings->v6.count);
    if (settings->v4.count && v4 > words)
        words = v4;
    if (settings->v6.count && v6 > words)
        words = v6;
    return words;
}

#endif

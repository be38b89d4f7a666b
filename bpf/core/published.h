/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one word that makes a service port's rows visible: where its slots are, which of its two
 * settings rows is in force, and the generation it belongs to. Written whole, read once.
 * Compiled for the kernel and natively; no maps, no context.
 */
#ifndef WEIR_CORE_PUBLISHED_H
#define WEIR_CORE_PUBLISHED_H

#include "../../maps/abi/service.h"
#include "addr.h"
#include "pick.h"

#define WEIR_OFFSET_BITS 32
#define WEIR_GENERATION_BITS 31

struct weir_published {
    __u32 offset;     /* first word in `slot` */
    __u32 settings;   /* 0 or 1 */
    __u32 generation; /* of the mesh, modulo 2^31 - 1, plus 1: so that the word is never 0 */
};

static inline __u64 weir_published_encode(__u32 offset, __u32 settings, __u64 mesh_generation) {
    __u64 generation = mesh_generation % ((1u << WEIR_GENERATION_BITS) - 1) + 1;
    return (__u64)offset | (__u64)(settings & 1) << WEIR_OFFSET_BITS |
           generation << (WEIR_OFFSET_BITS + 1);
}

static inline struct weir_published weir_published_decode(__u64 word) {
    struct weir_published published;
    published.offset = word;
    published.settings = (word >> WEIR_OFFSET_BITS) & 1;
    published.generation = word >> (WEIR_OFFSET_BITS + 1);
    return published;
}

/* The slots that a socket of the given reach may use: all of them, or one family's. Of all
 * endpoints; some of them are core/subset.h's. */
static inline struct weir_slot_set weir_slots_in_reach(const struct weir_published *published,
                                                       const struct weir_svc_settings *settings,
                                                       __u32 reach) {
    struct weir_slot_set slots = reach == WEIR_REACH_V4   ? settings->v4
                                 : reach == WEIR_REACH_V6 ? settings->v6
                                                          : settings->both;
    slots.offset += published->offset;
    return slots;
}

#endif

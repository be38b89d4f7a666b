/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From an address to an endpoint: the lookups around core/published.h and core/pick.h. Reads rows
 * that never change while they can be reached, and the published word exactly once; writes only
 * the round-robin cursor.
 */
#ifndef WEIR_SERVICE_BPF_H
#define WEIR_SERVICE_BPF_H

#include "core/pick.h"
#include "core/published.h"
#include "core/vip_filter.h"
#include "maps.bpf.h"

/* What was picked, or why nothing was. */
struct service_pick {
    const struct weir_endpoint *endpoint; /* NULL: `reason` says why */
    __u32 endpoint_id;
    __u32 generation; /* that was published, as in core/published.h */
    __u32 born;
    __u16 flags;
    __u16 reason; /* WEIR_REASON_*, when there is no endpoint */
};

/* 0 and the service port's id, or -1. */
static __always_inline int service__find(const struct weir_vip_key *target, __u32 *svc_port) {
    __u32 bit = weir_vip_filter_bit(target), word = weir_vip_filter_word(bit);
    __u64 *bits = bpf_map_lookup_elem(&weir_vip_filter, &word);
    if (!bits || !(*bits & weir_vip_filter_mask(bit)))
        return -1;
    struct weir_vip *vip = bpf_map_lookup_elem(&weir_vip, target);
    if (!vip)
        return -1;
    *svc_port = vip->svc_port;
    return 0;
}

/* The next turn of the schedule that sockets of this reach walk. */
static __always_inline __u64 service__next_turn(__u32 svc_port, __u32 reach) {
    struct weir_svc_state *state = bpf_map_lookup_elem(&weir_svc_state, &svc_port);
    if (!state)
        return 0;
    if (reach == WEIR_REACH_V4)
        return __sync_fetch_and_add(&state->cursor_v4, 1);
    if (reach == WEIR_REACH_V6)
        return __sync_fetch_and_add(&state->cursor_v6, 1);
    return __sync_fetch_and_add(&state->cursor, 1);
}

static __always_inline __u32 service__slot_index(__u32 svc_port, __u32 algorithm, __u32 reach,
                                                 struct weir_slot_set slots, int *index) {
    __u32 random = bpf_get_prandom_u32(), slot, word;
    if (algorithm == WEIR_ALGORITHM_ROUND_ROBIN) {
        slot = service__next_turn(svc_port, reach) % slots.count;
        word = slots.offset + weir_packed_word(slot);
    } else {
        slot = weir_random_cell(random, slots.count);
        word = slots.offset + slot;
    }
    __u64 *cell = bpf_map_lookup_elem(&weir_slot, &word);
    if (!cell)
        return -1;
    *index = algorithm == WEIR_ALGORITHM_ROUND_ROBIN
                 ? weir_packed_index(*cell, slot)
                 : weir_alias_pick(*cell, weir_random_fraction(random, slots.count));
    return 0;
}

static __always_inline void service__pick(__u32 svc_port, __u32 reach, struct service_pick *pick) {
    pick->endpoint = NULL;
    pick->reason = WEIR_REASON_CORRUPT_ROW;
    struct weir_svc_port *row = bpf_map_lookup_elem(&weir_svc_port, &svc_port);
    if (!row)
        return;
    struct weir_published published = weir_published_decode(*(volatile __u64 *)&row->published);
    const struct weir_svc_settings *settings = &row->settings[published.settings & 1];
    pick->generation = published.generation;
    pick->born = settings->born;
    pick->flags = settings->flags;
    struct weir_slot_set slots = weir_slots_in_reach(&published, settings, reach);
    if (!slots.count) {
        pick->reason = published.count ? WEIR_REASON_NO_FAMILY_ENDPOINT : WEIR_REASON_NO_ENDPOINT;
        return;
    }
    int index = 0;
    if (service__slot_index(svc_port, settings->algorithm, reach, slots, &index))
        return;
    pick->endpoint_id = settings->endpoint_base + index;
    const struct weir_endpoint *endpoint = bpf_map_lookup_elem(&weir_endpoint, &pick->endpoint_id);
    if (endpoint && endpoint->svc_port == svc_port)
        pick->endpoint = endpoint;
}

#endif

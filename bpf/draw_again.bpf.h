/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Algorithms that do not compare endpoints draw again where their choice is passed over
 * (health_test in health.bpf.h): so the others have its share by their weights.
 */
#ifndef WEIR_DRAW_AGAIN_BPF_H
#define WEIR_DRAW_AGAIN_BPF_H

#include "pick.bpf.h"

#define DRAW_TRIES 8
#define WEIR_GOLDEN_RATIO 0x9e3779b97f4a7c15ull

struct draw_again {
    struct weir_slot_set slots;
    __u32 svc_port, endpoint_base, algorithm;
    __u16 reach, group;
    __u64 client;
    struct health_test test;
    __u32 index;
};

/* What decides who is passed over in its slow start: a client's own number where the client decides
 * which endpoint it has. */
static __always_inline __u32 draw__luck(__u32 algorithm, __u64 client) {
    return algorithm == WEIR_ALGORITHM_HASH_TABLE ? weir_client_luck(client)
                                                  : bpf_get_prandom_u32();
}

/* For algorithms that do not compare endpoints: the next turn, another slot, another number. */
static long draw__one(__u32 i, struct draw_again *draw) {
    struct weir_slot_set slots = draw->slots;
    __u32 index = 0;
    if (!slots.count)
        return 1;
    if (draw->algorithm == WEIR_ALGORITHM_RANDOM)
        pick__random(slots, &index);
    else if (draw->algorithm == WEIR_ALGORITHM_ROUND_ROBIN)
        pick__in_turn(slots, draw->svc_port, draw->reach, draw->group, &index);
    else
        pick__packed(slots, weir_hash_slot(draw->client + (i + 1) * WEIR_GOLDEN_RATIO), &index);
    if (health__passes_over(draw->endpoint_base + index, &draw->test,
                            draw__luck(draw->algorithm, draw->client)))
        return 0;
    draw->index = index;
    return 1;
}

/* With a reach: endpoints in their slow start have their small share. */
#define DRAW_BY_SHARES 0x100

/* The index, or -1: everybody that was drawn was passed over. `reach`: as service__view has it,
 * and DRAW_BY_SHARES; `clock`: by which endpoints are out. */
__weak __noinline int draw__again(__u32 svc_port, __u64 published, __u32 reach, __u64 client,
                                  __u64 clock) {
    struct service_view view = {};
    if (service__view(svc_port, published, reach & ~DRAW_BY_SHARES, &view))
        return -1;
    const struct weir_svc_settings *settings = view.settings;
    struct draw_again draw = {.slots = view.slots,
                              .svc_port = svc_port,
                              .reach = view.reach,
                              .group = view.group,
                              .endpoint_base = settings->endpoint_base,
                              .algorithm = settings->algorithm,
                              .client = client,
                              .test = {clock, settings->max_per_endpoint,
                                       reach & DRAW_BY_SHARES ? settings->slow_start_ms : 0},
                              .index = HEALTH_NONE};
    bpf_loop(DRAW_TRIES, draw__one, &draw, 0);
    return draw.index;
}

#endif

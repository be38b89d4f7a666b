/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A pick that leaves out ejected endpoints: the algorithm's own choice where that one is in; else
 * the algorithm again; else any endpoint that is in; and where none is, the algorithm's choice
 * after all, since a service whose endpoints all fail is not made better by refusing its callers.
 */
#ifndef WEIR_HEALTHY_BPF_H
#define WEIR_HEALTHY_BPF_H

#include "pick.bpf.h"

#define HEALTHY_TRIES 8
#define WEIR_GOLDEN_RATIO 0x9e3779b97f4a7c15ull

struct healthy_draw {
    struct weir_slot_set slots;
    __u32 svc_port, reach, endpoint_base, algorithm;
    __u64 client;
    __u32 index;
};

/* For algorithms that do not compare endpoints: the next turn, another slot, another number. */
static long healthy__draw(__u32 i, struct healthy_draw *draw) {
    struct weir_slot_set slots = draw->slots;
    __u32 index = 0;
    if (!slots.count)
        return 1;
    if (draw->algorithm == WEIR_ALGORITHM_RANDOM)
        pick__random(slots, &index);
    else if (draw->algorithm == WEIR_ALGORITHM_ROUND_ROBIN)
        pick__packed(slots, pick__next_turn(draw->svc_port, draw->reach) % slots.count, &index);
    else
        pick__packed(slots, weir_hash_slot(draw->client + (i + 1) * WEIR_GOLDEN_RATIO), &index);
    if (health__is_out(draw->endpoint_base + index, WEIR_HEALTH_NONE_DUE))
        return 0;
    draw->index = index;
    return 1;
}

static __noinline int healthy__again(const struct service_view *view, __u64 client, __u32 *index) {
    struct healthy_draw draw = {.slots = view->slots,
                                .svc_port = view->svc_port,
                                .reach = view->reach,
                                .endpoint_base = view->settings->endpoint_base,
                                .algorithm = view->settings->algorithm,
                                .client = client,
                                .index = HEALTH_NONE};
    bpf_loop(HEALTHY_TRIES, healthy__draw, &draw, 0);
    *index = draw.index;
    return draw.index != HEALTH_NONE;
}

/* Without its weight: after eight draws that found nobody. */
static __noinline int healthy__any(const struct service_view *view, __u32 *index) {
    struct health_scan scan = {.base = view->settings->endpoint_base,
                               .capacity = view->settings->endpoint_capacity,
                               .svc_port = view->svc_port,
                               .index = HEALTH_NONE,
                               .reach = view->reach};
    scan.start = weir_random_cell(bpf_get_prandom_u32(), scan.capacity);
    bpf_loop(scan.capacity, health__find_one, &scan, 0);
    *index = scan.index;
    return scan.index != HEALTH_NONE;
}

static __always_inline int healthy__compares(const struct service_view *view) {
    return view->settings->algorithm == WEIR_ALGORITHM_LEAST_CONNECTIONS ||
           view->settings->algorithm == WEIR_ALGORITHM_RENDEZVOUS;
}

/* Somebody else, since the first choice is out. */
static __always_inline int healthy__other(const struct service_view *view, __u64 client,
                                          __u32 *index) {
    if (!healthy__compares(view))
        return healthy__again(view, client, index);
    return !pick__compared(view, client, WEIR_HEALTH_NONE_DUE, index) &&
           !health__is_out(view->settings->endpoint_base + *index, WEIR_HEALTH_NONE_DUE);
}

/* 0 and the index of the endpoint, or -1 when a row leads nowhere. */
static __always_inline int pick__healthy(const struct service_view *view, __u64 client,
                                         __u32 *index) {
    const struct weir_svc_settings *settings = view->settings;
    __u64 now_ns = settings->eject_after ? bpf_ktime_get_coarse_ns() : WEIR_HEALTH_ALL_DUE;
    if (pick__slot(view, client, now_ns, index))
        return -1;
    if (!settings->eject_after ||
        health__admits(settings->endpoint_base + *index, settings->eject_ms, now_ns))
        return 0;
    if (healthy__other(view, client, index) || healthy__any(view, index))
        return 0;
    reason__count(WEIR_REASON_PANIC);
    return pick__slot(view, client, WEIR_HEALTH_ALL_DUE, index);
}

#endif

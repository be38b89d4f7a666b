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
    __u64 client, now_ns;
    __u32 slow_start_ms;
    __u32 index;
};

/* What decides who is passed over in its slow start: a client's own number where the client decides
 * which endpoint it has. */
static __always_inline __u32 healthy__luck(__u32 algorithm, __u64 client) {
    return algorithm == WEIR_ALGORITHM_HASH_TABLE ? weir_client_luck(client)
                                                  : bpf_get_prandom_u32();
}

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
    if (health__passes_over(draw->endpoint_base + index, draw->now_ns, draw->slow_start_ms,
                            healthy__luck(draw->algorithm, draw->client)))
        return 0;
    draw->index = index;
    return 1;
}

static __noinline int healthy__again(const struct service_view *view, __u64 client,
                                     __u32 slow_start_ms, __u32 *index) {
    const struct weir_svc_settings *settings = view->settings;
    struct healthy_draw draw = {
        .slots = view->slots,
        .svc_port = view->svc_port,
        .reach = view->reach,
        .endpoint_base = settings->endpoint_base,
        .algorithm = settings->algorithm,
        .client = client,
        .now_ns = settings->eject_after ? WEIR_HEALTH_NONE_DUE : WEIR_HEALTH_ALL_DUE,
        .slow_start_ms = slow_start_ms,
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
    __u32 algorithm = view->settings->algorithm;
    return algorithm == WEIR_ALGORITHM_LEAST_CONNECTIONS ||
           algorithm == WEIR_ALGORITHM_LEAST_LATENCY || algorithm == WEIR_ALGORITHM_RENDEZVOUS;
}

static __always_inline int healthy__compare(const struct service_view *view, __u64 client,
                                            __u64 now_ns, __u32 *index) {
    return view->settings->algorithm == WEIR_ALGORITHM_LEAST_LATENCY
               ? pick__least_latency(view, now_ns, index)
               : pick__compared(view, client, now_ns, index);
}

/* Somebody else, since the first choice is out, or in its slow start. Where nobody is out of that,
 * all have their own shares. */
static __always_inline int healthy__other(const struct service_view *view, __u64 client,
                                          __u32 *index) {
    __u32 slow_start_ms = view->settings->slow_start_ms;
    if (!healthy__compares(view))
        return healthy__again(view, client, slow_start_ms, index) ||
               (slow_start_ms && healthy__again(view, client, 0, index));
    return !healthy__compare(view, client, WEIR_HEALTH_NONE_DUE, index) &&
           !health__is_out(view->settings->endpoint_base + *index, WEIR_HEALTH_NONE_DUE);
}

/* Whether the first choice is taken. Those that compare have looked at slow starts already. */
static __always_inline int healthy__takes(const struct service_view *view, __u64 client,
                                          __u32 index, __u64 now_ns) {
    const struct weir_svc_settings *settings = view->settings;
    __u32 id = settings->endpoint_base + index;
    if (settings->slow_start_ms && !healthy__compares(view) &&
        health__passes_over(id, WEIR_HEALTH_ALL_DUE, settings->slow_start_ms,
                            healthy__luck(settings->algorithm, client)))
        return 0;
    return !settings->eject_after || health__admits(id, settings->eject_ms, now_ns);
}

/* 0 and the index of the endpoint, or -1 when a row leads nowhere. */
static __always_inline int pick__healthy(const struct service_view *view, __u64 client,
                                         __u32 *index) {
    __u32 ejects = view->settings->eject_after;
    __u64 now_ns = ejects ? bpf_ktime_get_coarse_ns() : WEIR_HEALTH_ALL_DUE;
    if (pick__slot(view, client, now_ns, index))
        return -1;
    __u32 first = *index;
    if (healthy__takes(view, client, first, now_ns) || healthy__other(view, client, index))
        return 0;
    if (ejects && healthy__any(view, index))
        return 0;
    if (ejects)
        reason__count(WEIR_REASON_PANIC);
    *index = first;
    return healthy__compares(view) ? healthy__compare(view, client, WEIR_HEALTH_ALL_DUE, index) : 0;
}

#endif

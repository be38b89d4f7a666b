/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Somebody else than the algorithm's first choice: by the algorithm again, or anybody at all. For
 * healthy.bpf.h, which says in which order. Writes nothing.
 */
#ifndef WEIR_HEALTHY_OTHERS_BPF_H
#define WEIR_HEALTHY_OTHERS_BPF_H

#include "group.bpf.h"

/* Without its weight: after eight draws that found nobody. One that is in by that clock; the index,
 * or -1. */
__weak __noinline int healthy__any(__u32 svc_port, __u64 published, __u32 reach, __u64 clock) {
    struct service_view view = {};
    if (service__view(svc_port, published, reach, &view))
        return -1;
    if (view.group != WEIR_GROUP_ALL)
        return group__any(&view, clock);
    struct health_scan scan = {.base = view.settings->endpoint_base,
                               .capacity = view.settings->endpoint_capacity,
                               .svc_port = svc_port,
                               .index = HEALTH_NONE,
                               .reach = view.reach,
                               .max_per_endpoint = view.settings->max_per_endpoint,
                               .clock = clock};
    scan.start = weir_random_cell(bpf_get_prandom_u32(), scan.capacity);
    bpf_loop(scan.capacity, health__find_one, &scan, 0);
    return scan.index;
}

/* An index that was found, or none. */
static __always_inline int healthy__found(int found, __u32 *index) {
    if (found >= 0)
        *index = found;
    return found >= 0;
}

static __always_inline int healthy__again(const struct service_view *view, __u64 client,
                                          __u64 clock, __u32 by_shares, __u32 *index) {
    return healthy__found(draw__again(view->svc_port, view->published,
                                      service__asked(view) | by_shares, client, clock),
                          index);
}

static __always_inline int healthy__one(const struct service_view *view, __u64 clock,
                                        __u32 *index) {
    return healthy__found(
        healthy__any(view->svc_port, view->published, service__asked(view), clock), index);
}

/* health__passes_over, apart: this path has no more stack. */
static __noinline int healthy__passes_over(__u32 id, __u64 clock, __u32 max_per_endpoint,
                                           __u32 slow_start_ms, __u32 luck) {
    const struct health_test test = {clock, max_per_endpoint, slow_start_ms};
    return health__passes_over(id, &test, luck);
}

static __always_inline int healthy__may_have(const struct service_view *view, __u64 clock,
                                             __u32 index) {
    return !healthy__passes_over(view->settings->endpoint_base + index, clock,
                                 view->settings->max_per_endpoint, 0, 0);
}

/* Somebody else, since the first choice is out, full, or in its slow start. Where nobody is out of
 * that, all have their own shares. */
static __always_inline int healthy__other(const struct service_view *view, __u64 client,
                                          __u64 clock, __u32 *index) {
    if (!pick__compares(view))
        return healthy__again(view, client, clock, DRAW_BY_SHARES, index) ||
               (view->settings->slow_start_ms && healthy__again(view, client, clock, 0, index));
    return !pick__compared(view, client, clock, index) && healthy__may_have(view, clock, *index);
}

#endif

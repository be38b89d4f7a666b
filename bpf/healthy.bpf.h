/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A pick that leaves out ejected endpoints: the algorithm's own choice where that one is in; else
 * the algorithm again; else any endpoint that is in; and where none is, the algorithm's choice
 * after all, since a service whose endpoints all fail is not made better by refusing its callers.
 * A group of endpoints where none is in is left instead.
 */
#ifndef WEIR_HEALTHY_BPF_H
#define WEIR_HEALTHY_BPF_H

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

static __always_inline int healthy__may_have(const struct service_view *view, __u64 clock,
                                             __u32 index) {
    const struct health_test test = {clock, view->settings->max_per_endpoint, 0};
    return !health__passes_over(view->settings->endpoint_base + index, &test, 0);
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

/* Whether the first choice is taken, as health__admits. Those that compare have looked at slow
 * starts already. */
static __always_inline int healthy__takes(const struct service_view *view, __u64 client,
                                          __u32 index, __u64 clock) {
    const struct weir_svc_settings *settings = view->settings;
    __u32 id = settings->endpoint_base + index;
    const struct health_test test = {WEIR_HEALTH_ALL_DUE, settings->max_per_endpoint,
                                     pick__compares(view) ? 0 : settings->slow_start_ms};
    if ((test.max_per_endpoint || test.slow_start_ms) &&
        health__passes_over(id, &test, draw__luck(settings->algorithm, client)))
        return 0;
    return clock == WEIR_HEALTH_ALL_DUE ? HEALTH_ADMITTED
                                        : health__admits(id, settings->eject_ms, clock);
}

/* What a pick comes to, beside an index; below 0: a row leads nowhere. */
#define HEALTHY_PICKED 0
#define HEALTHY_FULL 1   /* none has room: there is no index */
#define HEALTHY_TRIES 2  /* this connect tries one that was ejected */
#define HEALTHY_PANICS 3 /* too few are in, or none: all are used */
#define HEALTHY_SPILLS 4 /* nobody of the group can be had: there is no index */

/* Nobody that is in has room: those that are out have their part, too. */
static __always_inline int healthy__panic(const struct service_view *view, __u64 client,
                                          __u32 first, __u64 clock, __u32 *index) {
    *index = first;
    if (view->settings->max_per_endpoint && !healthy__one(view, WEIR_HEALTH_ALL_DUE, index))
        return HEALTHY_FULL;
    if (!view->settings->max_per_endpoint && pick__compares(view) &&
        pick__compared(view, client, WEIR_HEALTH_ALL_DUE, index))
        return -1;
    if (clock == WEIR_HEALTH_ALL_DUE)
        return HEALTHY_PICKED;
    reason__count(WEIR_REASON_PANIC);
    return HEALTHY_PANICS;
}

/* Too few are in: all are used, each as if it were. */
static __always_inline int healthy__in_panic(__u64 clock, int picked) {
    if (picked != HEALTHY_PICKED || !weir_health_panics(clock))
        return picked;
    reason__count(WEIR_REASON_PANIC);
    return HEALTHY_PANICS;
}

/* HEALTHY_* and the index of the endpoint, or -1. */
static __always_inline int healthy__pick(const struct service_view *view, __u64 client, __u64 clock,
                                         __u32 *index) {
    const struct weir_svc_settings *settings = view->settings;
    if (pick__slot(view, client, clock, index))
        return -1;
    __u32 first = *index;
    int taken = healthy__takes(view, client, first, clock);
    if (taken)
        return taken == HEALTH_TRIED ? HEALTHY_TRIES : HEALTHY_PICKED;
    __u64 others = weir_health_clock_of_others(clock);
    if (healthy__other(view, client, others, index))
        return HEALTHY_PICKED;
    int some_may_be_out = clock != WEIR_HEALTH_ALL_DUE || settings->max_per_endpoint;
    if (some_may_be_out && healthy__one(view, others, index))
        return HEALTHY_PICKED;
    if (some_may_be_out && view->group != WEIR_GROUP_ALL)
        return HEALTHY_SPILLS;
    return healthy__panic(view, client, first, clock, index);
}

/* The same in one word, outcome in the upper half; below 0: a row leads nowhere. A global function,
 * for the verifier's sake: service_view.bpf.h. */
__weak __noinline __s64 pick__healthy(__u32 svc_port, __u64 published, __u32 reach, __u64 client) {
    struct service_view view = {};
    __u32 index = 0;
    if (service__view(svc_port, published, reach, &view) || !view.slots.count)
        return -1;
    __u64 clock = health__clock(&view);
    int picked = healthy__pick(&view, client, clock, &index);
    return picked < 0 ? -1 : (__s64)healthy__in_panic(clock, picked) << 32 | index;
}

#endif

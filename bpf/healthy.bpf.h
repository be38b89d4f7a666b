/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A pick that leaves out ejected endpoints: the algorithm's own choice where that one is in; else
 * the algorithm again; else any endpoint that is in; and where none is, the algorithm's choice
 * after all, since a service whose endpoints all fail is not made better by refusing its callers.
 * A group of endpoints where none is in is left instead.
 */
#ifndef WEIR_HEALTHY_BPF_H
#define WEIR_HEALTHY_BPF_H

#include "healthy_others.bpf.h"

/* Whether the first choice is taken, as health__admits. Those that compare have looked at slow
 * starts already. */
static __always_inline int healthy__takes(const struct service_view *view, __u64 client,
                                          __u32 index, __u64 clock) {
    const struct weir_svc_settings *settings = view->settings;
    __u32 id = settings->endpoint_base + index;
    __u32 slow_start_ms = pick__compares(view) ? 0 : settings->slow_start_ms;
    if ((settings->max_per_endpoint || slow_start_ms) &&
        healthy__passes_over(id, WEIR_HEALTH_ALL_DUE, settings->max_per_endpoint, slow_start_ms,
                             draw__luck(settings->algorithm, client)))
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

/* Nobody that is in has room: those that are out have their part, too; who is out by hand, only
 * where there is nobody else. */
static __always_inline int healthy__panic(const struct service_view *view, __u64 client,
                                          __u32 first, __u64 clock, __u32 *index) {
    __u64 by_hand = clock | WEIR_HEALTH_BY_HAND;
    *index = first;
    int keeps_first = !pick__compares(view) && healthy__may_have(view, by_hand, first);
    if (view->held_until_ns && (keeps_first || healthy__other(view, client, by_hand, index) ||
                                healthy__one(view, by_hand, index))) {
        reason__count(WEIR_REASON_PANIC);
        return HEALTHY_PANICS;
    }
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

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which group of endpoints (core/subset.h) a connect is offered first, and any endpoint of a group
 * that is in. Writes nothing but counts.
 */
#ifndef WEIR_GROUP_BPF_H
#define WEIR_GROUP_BPF_H

#include "draw_again.bpf.h"
#include "health_clock.bpf.h"
#include "subset.bpf.h"

/* A look at a group's endpoints, from a slot on. */
struct group_search {
    struct weir_slot_set slots;
    struct health_test test;
    __u32 endpoint_base, algorithm;
    __u32 start;
    __u32 index; /* of the one that is found; or HEALTH_NONE */
};

#define GROUP_LOOKS 1024 /* slots: of a schedule, or a table, some are the same endpoint's */

static long group__look(__u32 i, struct group_search *search) {
    struct weir_slot_set slots = search->slots;
    __u32 index = 0;
    if (!slots.count)
        return 1;
    if (pick__index_in(slots, search->algorithm, (search->start + i) % slots.count, 0, &index) ||
        health__passes_over(search->endpoint_base + index, &search->test, 0))
        return 0;
    search->index = index;
    return 1;
}

/* One that is in by that clock, without its weight; the index, or -1. */
static __always_inline int group__any(const struct service_view *view, __u64 clock) {
    const struct weir_svc_settings *settings = view->settings;
    struct group_search search = {.slots = view->slots,
                                  .test = {clock, settings->max_per_endpoint, 0},
                                  .endpoint_base = settings->endpoint_base,
                                  .algorithm = settings->algorithm,
                                  .index = HEALTH_NONE};
    search.start = weir_random_cell(bpf_get_prandom_u32(), search.slots.count);
    bpf_loop(search.slots.count < GROUP_LOOKS ? search.slots.count : GROUP_LOOKS, group__look,
             &search, 0);
    return search.index;
}

/* So many connects to it failed that it would be out, were it not for what speaks against that:
 * that this node's own network may be to blame, which only an endpoint of another zone can tell, or
 * that as many are out as may be. */
static __always_inline int group__fails(__u32 id, const struct weir_svc_settings *settings) {
    struct weir_ep_state *state = bpf_map_lookup_elem(&weir_ep_state, &id);
    return state && settings->eject_after && state->failures >= settings->eject_after;
}

/* Whether one drawn endpoint is out by that clock, or full, or fails. Where the client decides
 * which one it has, it does so here. A function of its own, for its stack. */
static __noinline int group__draws_one_out(const struct service_view *view, __u64 clock,
                                           __u64 client) {
    const struct weir_svc_settings *settings = view->settings;
    const struct health_test test = {clock, settings->max_per_endpoint, 0};
    struct weir_slot_set slots = view->slots;
    __u32 random =
        weir_hashes_clients(settings->algorithm) ? weir_client_luck(client) : bpf_get_prandom_u32();
    __u32 index = 0;
    return pick__index_in(slots, settings->algorithm, weir_random_cell(random, slots.count),
                          weir_random_fraction(random, slots.count), &index) ||
           health__passes_over(settings->endpoint_base + index, &test, 0) ||
           group__fails(settings->endpoint_base + index, settings);
}

/*
 * Whether too few of the endpoints near by can be had: two that are drawn are both out or full. So
 * of those that are left none has more than twice its share, and where nobody is left all go on;
 * nobody has to be counted. (Where endpoints are compared, they are drawn all alike, whatever their
 * weights.) In panic all endpoints of the service are used: those of other zones, too.
 */
static __always_inline int group__is_short(const struct service_view *view, __u64 client) {
    __u64 clock = health__clock(view);
    if (clock == WEIR_HEALTH_ALL_DUE && !view->settings->max_per_endpoint)
        return 0;
    if (weir_health_panics(clock))
        return 1;
    return group__draws_one_out(view, clock, client) &&
           group__draws_one_out(view, clock, client + WEIR_GOLDEN_RATIO);
}

/* The group; for a service port that has subset records. A global function, for the verifier's
 * sake: service_view.bpf.h. */
__weak __noinline __u32 group__first(__u32 svc_port, __u64 published, __u32 reach, __u64 client,
                                     __u32 cohort) {
    struct service_view view = {};
    if (service__view(svc_port, published, reach, &view))
        return WEIR_GROUP_ALL;
    __u32 subset = subset__choose(&view, cohort);
    if (subset >= WEIR_SUBSETS_MAX)
        return WEIR_GROUP_ALL;
    view.slots = service__slots_of(&view, weir_group_of(subset, 1));
    if (!view.slots.count)
        return weir_group_of(subset, 0);
    if (!group__is_short(&view, client))
        return weir_group_of(subset, 1);
    reason__count(WEIR_REASON_ZONE_SPILLED);
    return weir_group_of(subset, 0);
}

#endif

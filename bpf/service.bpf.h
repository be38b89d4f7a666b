/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a service address to one of its endpoints: reads the rows of user space, which never change
 * while they can be reached, and the published word exactly once. How the choice is made is in
 * pick.bpf.h.
 */
#ifndef WEIR_SERVICE_BPF_H
#define WEIR_SERVICE_BPF_H

#include "affinity.bpf.h"
#include "core/vip_filter.h"
#include "healthy.bpf.h"

/* What was picked, or why nothing was. */
struct service_pick {
    const struct weir_endpoint *endpoint; /* NULL: `reason` says why */
    __u32 endpoint_id;
    __u16 reason;  /* WEIR_REASON_*, when there is no endpoint */
    __u16 healthy; /* HEALTHY_*, when there is one */
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

/* 0, or -1 when there is no such row. */
static __always_inline int service__open(__u32 svc_port, __u32 reach, struct service_view *view) {
    return service__view(svc_port, 0, reach, view);
}

/* Whether the choice depends on who the client is. */
static __always_inline int service__asks_for_client(const struct service_view *view) {
    return view->settings->affinity_s || weir_hashes_clients(view->settings->algorithm);
}

/* Whether an endpoint that a client has kept has room, and is well, or may be tried again: as
 * health__admits. */
static __always_inline int service__admits(const struct service_view *view, __u32 endpoint) {
    const struct health_test test = {WEIR_HEALTH_ALL_DUE, view->settings->max_per_endpoint, 0};
    if (test.max_per_endpoint && health__passes_over(endpoint, &test, 0))
        return 0;
    __u64 clock = health__clock(view);
    return clock == WEIR_HEALTH_ALL_DUE ? HEALTH_ADMITTED
                                        : health__admits(endpoint, view->settings->eject_ms, clock);
}

/* HEALTHY_* of the endpoint that the client keeps, with its row; below 0: none that it may have. */
static __always_inline int service__kept(const struct service_view *view, __u64 client,
                                         __u32 *endpoint) {
    __u32 affinity_s = view->settings->affinity_s;
    if (!affinity_s)
        return -1;
    *endpoint = affinity__recall(view->svc_port, view->reach, client, affinity_s);
    int admitted = *endpoint != AFFINITY_NONE ? service__admits(view, *endpoint) : 0;
    if (!admitted)
        return -1;
    return admitted == HEALTH_TRIED ? HEALTHY_TRIES : HEALTHY_PICKED;
}

/* pick__healthy's of the first group where somebody can be had. */
static __always_inline __s64 service__pick_of_groups(const struct service_view *view, __u64 client,
                                                     __u32 cohort) {
    __u32 group = WEIR_GROUP_ALL;
    if (view->settings->subsets.count)
        group = group__first(view->svc_port, view->published, view->reach, client, cohort);
    __s64 picked = -1;
    for (int i = 0; i < WEIR_GROUPS_IN_TURN; i++) {
        picked = pick__healthy(view->svc_port, view->published,
                               weir_reach_in_group(view->reach, group), client);
        if (picked >> 32 != HEALTHY_SPILLS)
            break;
        if (weir_group_is_near(group))
            reason__count(WEIR_REASON_ZONE_SPILLED);
        else if (view->settings->flags & WEIR_SVC_HAS_SUBSETS)
            reason__count(WEIR_REASON_SUBSET_SPILLED);
        group = weir_group_after(group);
    }
    return picked;
}

/* HEALTHY_* of an endpoint that is picked, with its row; below 0: a row leads nowhere. */
static __always_inline int service__pick_anew(const struct service_view *view, __u64 client,
                                              __u32 cohort, __u32 *endpoint) {
    __s64 picked = service__pick_of_groups(view, client, cohort);
    *endpoint = view->settings->endpoint_base + (__u32)picked;
    return picked < 0 ? -1 : (int)(picked >> 32);
}

/* `client`: of client__key, where service__asks_for_client; `cohort`: of the calling workload. */
static __always_inline void service__pick(const struct service_view *view, __u64 client,
                                          __u32 cohort, struct service_pick *pick) {
    const struct weir_svc_settings *settings = view->settings;
    pick->endpoint = NULL;
    if (!view->slots.count) {
        pick->reason =
            settings->both.count ? WEIR_REASON_NO_FAMILY_ENDPOINT : WEIR_REASON_NO_ENDPOINT;
        return;
    }
    pick->reason = WEIR_REASON_CORRUPT_ROW;
    __u32 id; /* beside the pick, which need not be in memory then */
    int healthy = service__kept(view, client, &id), is_kept = healthy >= 0;
    if (!is_kept)
        healthy = service__pick_anew(view, client, cohort, &id);
    if (healthy == HEALTHY_FULL)
        pick->reason = WEIR_REASON_LIMIT;
    if (healthy < 0 || healthy == HEALTHY_FULL)
        return;
    pick->healthy = healthy;
    pick->endpoint_id = id;
    const struct weir_endpoint *endpoint = bpf_map_lookup_elem(&weir_endpoint, &id);
    if (!endpoint || endpoint->svc_port != view->svc_port)
        return;
    pick->endpoint = endpoint;
    if (settings->affinity_s && !is_kept)
        affinity__keep(view->svc_port, view->reach, client, id, endpoint->generation);
}

#endif

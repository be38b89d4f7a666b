/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A service port as a connect finds it. How it is chosen from is in pick.bpf.h.
 *
 * What a connect does with it is partly in global functions (__weak __noinline, with numbers for
 * arguments): the verifier looks at such a function once, and not again for each path that leads to
 * it, and goes on as if it could return anything. As static functions they cost it five times as
 * much, and the agent seconds at its start.
 */
#ifndef WEIR_SERVICE_VIEW_BPF_H
#define WEIR_SERVICE_VIEW_BPF_H

#include "core/published.h"
#include "core/subset.h"
#include "maps.bpf.h"

/* A service port as it was published at one moment. */
struct service_view {
    const struct weir_svc_settings *settings;
    struct weir_slot_set slots; /* the group's that the socket can reach; an offset in `slot` */
    __u64 published;            /* read once: core/published.h */
    __u64 held_until_ns;        /* weir_svc_port.held_until_ns */
    __u32 svc_port;
    __u16 reach; /* WEIR_REACH_*: of the socket */
    __u16 group; /* core/subset.h */
};

/* What the view's reach and group are to service__view. */
static __always_inline __u32 service__asked(const struct service_view *view) {
    return weir_reach_in_group(view->reach, view->group);
}

/* The slots of a group; none where a row leads nowhere. */
static __always_inline struct weir_slot_set service__slots_of(const struct service_view *view,
                                                              __u32 group) {
    __u32 offset = weir_published_decode(view->published).offset;
    __u32 word = offset + view->settings->subsets.offset + weir_group_word(group, view->reach);
    __u64 *set = bpf_map_lookup_elem(&weir_slot, &word);
    struct weir_slot_set slots = weir_slot_set_unpack(set ? *set : 0);
    slots.offset += offset;
    return slots;
}

/* 0, or -1 when there is no such row. `published`: as it was read before; 0: to be read. `reach`
 * may have a group with it (weir_reach_in_group). */
static __always_inline int service__view(__u32 svc_port, __u64 published, __u32 reach,
                                         struct service_view *view) {
    struct weir_svc_port *row = bpf_map_lookup_elem(&weir_svc_port, &svc_port);
    if (!row)
        return -1;
    view->held_until_ns = *(volatile __u64 *)&row->held_until_ns;
    view->published = published ? published : *(volatile __u64 *)&row->published;
    struct weir_published decoded = weir_published_decode(view->published);
    view->settings = &row->settings[decoded.settings & 1];
    view->svc_port = svc_port;
    view->reach = weir_reach_of(reach);
    view->group = weir_group_of_reach(reach);
    view->slots = view->group == WEIR_GROUP_ALL
                      ? weir_slots_in_reach(&decoded, view->settings, view->reach)
                      : service__slots_of(view, view->group);
    return 0;
}

#endif

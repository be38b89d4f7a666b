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
#include "maps.bpf.h"

/* A service port as it was published at one moment. */
struct service_view {
    const struct weir_svc_settings *settings;
    struct weir_slot_set slots; /* those that the socket can reach; an offset in `slot` */
    __u64 published;            /* read once: core/published.h */
    __u64 held_until_ns;        /* weir_svc_port.held_until_ns */
    __u32 svc_port;
    __u32 reach; /* WEIR_REACH_*: of the socket */
};

/* The slots in one word. */
static __always_inline __u64 slots__pack(struct weir_slot_set slots) {
    return slots.offset | (__u64)slots.count << 32;
}

static __always_inline struct weir_slot_set slots__unpack(__u64 word) {
    return (struct weir_slot_set){(__u32)word, (__u32)(word >> 32)};
}

/* 0, or -1 when there is no such row. `published`: as it was read before; 0: to be read. */
static __always_inline int service__view(__u32 svc_port, __u64 published, __u32 reach,
                                         struct service_view *view) {
    struct weir_svc_port *row = bpf_map_lookup_elem(&weir_svc_port, &svc_port);
    if (!row)
        return -1;
    view->held_until_ns = *(volatile __u64 *)&row->held_until_ns;
    view->published = published ? published : *(volatile __u64 *)&row->published;
    struct weir_published decoded = weir_published_decode(view->published);
    view->settings = &row->settings[decoded.settings & 1];
    view->slots = weir_slots_in_reach(&decoded, view->settings, reach);
    view->svc_port = svc_port;
    view->reach = reach;
    return 0;
}

#endif

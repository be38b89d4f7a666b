/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The settings of a service port, for whoever does not pick from it. */
#ifndef WEIR_SETTINGS_BPF_H
#define WEIR_SETTINGS_BPF_H

#include "core/published.h"
#include "maps.bpf.h"

/* As they are published now. */
static __always_inline const struct weir_svc_settings *service__settings_of(
    const struct weir_svc_port *row) {
    struct weir_published published = weir_published_decode(*(volatile __u64 *)&row->published);
    return &row->settings[published.settings & 1];
}

/* Of a service port; NULL: there is no such row. */
static __always_inline const struct weir_svc_settings *service__settings(__u32 svc_port) {
    struct weir_svc_port *row = bpf_map_lookup_elem(&weir_svc_port, &svc_port);
    return row ? service__settings_of(row) : NULL;
}

/* One of how many of its connections is sampled for the first bytes of answers: all, where they
 * decide who is picked. */
static __always_inline __u32 settings__first_byte_every(const struct weir_svc_settings *settings) {
    return weir_first_byte_every && settings->algorithm == WEIR_ALGORITHM_LEAST_LATENCY
               ? 1
               : weir_first_byte_every;
}

/* One of how many of its connections is told of; 0 = none. Where the node has no events, no service
 * has. */
static __always_inline __u32 settings__events_every(const struct weir_svc_settings *settings) {
    if (!weir_events_every || settings->events_every == WEIR_EVENTS_NONE)
        return 0;
    return settings->events_every ? settings->events_every : weir_events_every;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Telling of endpoints that are ejected, tried and restored, and of services without any that is
 * in, with the connect that showed it. Rare, and the first that is asked for: never left out for
 * the bound of a service port.
 */
#ifndef WEIR_ENDPOINT_EVENTS_BPF_H
#define WEIR_ENDPOINT_EVENTS_BPF_H

#include "events.bpf.h"

#define NS_PER_SECOND 1000000000ull

/* NULL: there are no events, or there is no room. */
static __always_inline struct weir_event *event__about_endpoint(__u32 kind,
                                                                const struct weir_edge_key *edge,
                                                                __u32 failure) {
    struct weir_event *event =
        weir_events_every ? event__reserve(kind, bpf_ktime_get_ns(), edge) : NULL;
    if (event)
        event->failure = failure;
    return event;
}

/* Of the endpoint that a connection is to. */
static __noinline int event__of_endpoint(__u32 kind, const struct weir_sock *sock, __u32 failure) {
    struct weir_event *event = event__about_endpoint(kind, &sock->edge, failure);
    if (event) {
        event__addresses(event, sock);
        event__end(event);
    }
    return 0;
}

/* Of the endpoint that a flow of datagrams is to. */
static __noinline int event__of_flows_endpoint(__u32 kind, const struct weir_udp_flow *flow,
                                               __u32 failure) {
    struct weir_event *event = event__about_endpoint(kind, &flow->edge, failure);
    if (event) {
        event__addresses_of_flow(event, flow);
        event__end(event);
    }
    return 0;
}

/* Too few endpoints are in: told of once a second, by the one that gets a 1. */
static __always_inline int event__panic_is_due(__u32 svc_port) {
    struct weir_svc_state *state = bpf_map_lookup_elem(&weir_svc_state, &svc_port);
    if (!state)
        return 0;
    __u64 told_ns = *(volatile __u64 *)&state->panicked_ns, now_ns = bpf_ktime_get_coarse_ns();
    return now_ns - told_ns >= NS_PER_SECOND &&
           __sync_val_compare_and_swap(&state->panicked_ns, told_ns, now_ns) == told_ns;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Telling of single connections and flows. Nobody is woken and nothing waits: an event without room
 * in the ring is lost, and one beyond the bound of its service port is left out; both are counted,
 * so that what was produced is what was delivered and what was lost.
 */
#ifndef WEIR_EVENTS_BPF_H
#define WEIR_EVENTS_BPF_H

#include "../maps/abi/event.h"
#include "core/errno.h"
#include "counters.bpf.h"
#include "settings.bpf.h"

/* A constant of its own, so that the type information names all fields. */
static const volatile struct weir_event weir_new_event
    __attribute__((unused)) = {.abi = WEIR_ABI_VERSION};

/* Seconds are of 2^30 ns. Two programs that see a new one at once may let one more pass. */
static __always_inline int event__is_within_bound(__u32 svc_port, __u64 now_ns) {
    struct weir_svc_state *state = bpf_map_lookup_elem(&weir_svc_state, &svc_port);
    if (!state)
        return 0;
    __u64 second = (now_ns >> 30) << 32;
    if (*(volatile __u64 *)&state->events >> 32 != second >> 32)
        *(volatile __u64 *)&state->events = second;
    return (__u32)__sync_fetch_and_add(&state->events, 1) < weir_events_per_second;
}

/* A place in the ring with what all events have; NULL: there is none. */
static __always_inline struct weir_event *event__reserve(__u32 kind, __u64 now_ns,
                                                         const struct weir_edge_key *edge) {
    __u32 row = 0;
    __u64 *produced = bpf_map_lookup_elem(&weir_produced, &row);
    if (produced)
        __sync_fetch_and_add(produced, 1);
    struct weir_event *event = bpf_ringbuf_reserve(&weir_events, sizeof(*event), 0);
    if (!event) {
        reason__count(WEIR_REASON_EVENT_LOST);
        return NULL;
    }
    *event = *(const struct weir_event *)&weir_new_event;
    event->kind = kind;
    event->at_ns = now_ns;
    event->edge = *edge;
    return event;
}

/* The same, within the bound of the service port. */
static __always_inline struct weir_event *event__begin(__u32 kind,
                                                       const struct weir_edge_key *edge) {
    __u64 now_ns = bpf_ktime_get_ns();
    if (!weir_events_every)
        return NULL;
    if (!event__is_within_bound(edge->svc_port, now_ns)) {
        reason__count(WEIR_REASON_EVENT_LIMITED);
        return NULL;
    }
    return event__reserve(kind, now_ns, edge);
}

static __always_inline void event__end(struct weir_event *event) {
    bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

static __always_inline void event__addresses(struct weir_event *event,
                                             const struct weir_sock *sock) {
    event->started_ns = sock->started_ns;
    event->service_addr = sock->service_addr;
    event->service_port = sock->service_port;
    event->endpoint_addr = sock->endpoint_addr;
    event->endpoint_port = sock->endpoint_port;
    event->protocol = sock->protocol;
}

/* Its beginning; or the end of a UDP socket that was connected. */
static __always_inline void event__tell(__u32 kind, const struct weir_sock *sock) {
    struct weir_event *event = sock->told ? event__begin(kind, &sock->edge) : NULL;
    if (!event)
        return;
    event__addresses(event, sock);
    event__end(event);
}

static __always_inline void event__failed(struct weir_sock *sock, __u32 failure) {
    struct weir_event *event = event__begin(WEIR_EVENT_FAILED, &sock->edge);
    sock->connect_us = 0; /* it will not be told of as closed */
    if (!event)
        return;
    event__addresses(event, sock);
    event->failure = failure;
    if (failure == WEIR_FAILURE_TIMEOUT && sock->user_ms)
        event->deadline = WEIR_DEADLINE_CONNECT;
    event__end(event);
}

/* A connect or datagram to `target` that weir refuses. */
static __noinline int event__refused(const struct weir_vip_key *target, __u32 workload,
                                     __u32 svc_port, __u32 failure) {
    struct weir_edge_key edge = {workload, svc_port, WEIR_NO_ENDPOINT, 0};
    struct weir_event *event = event__begin(WEIR_EVENT_FAILED, &edge);
    if (!event)
        return 0;
    event->started_ns = event->at_ns;
    event->service_addr = target->addr;
    event->service_port = target->port;
    event->protocol = target->proto;
    event->failure = failure;
    event__end(event);
    return 0;
}

static __always_inline void event__addresses_of_flow(struct weir_event *event,
                                                     const struct weir_udp_flow *flow) {
    event->service_addr = flow->service_addr;
    event->service_port = flow->service_port;
    event->endpoint_addr = flow->endpoint_addr;
    event->endpoint_port = flow->endpoint_port;
    event->protocol = WEIR_PROTO_UDP;
}

/* Flows of datagrams are told of when all connections of their service are. */
static __always_inline void event__flow(__u32 kind, const struct weir_udp_flow *flow) {
    const struct weir_svc_settings *settings = service__settings(flow->edge.svc_port);
    struct weir_event *event = NULL;
    if (settings && settings__events_every(settings) == 1)
        event = event__begin(kind, &flow->edge);
    if (!event)
        return;
    event__addresses_of_flow(event, flow);
    event__end(event);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Silence may be this node's own network: who answered, and when, so that a silent endpoint is told
 * from a node that is cut off. Written by every handshake, read by failures only.
 */
#ifndef WEIR_OWN_FAULT_BPF_H
#define WEIR_OWN_FAULT_BPF_H

#include "health_scan.bpf.h"

/* A handshake is complete: the network works. Written once in some milliseconds, so that CPUs do
 * not contend for it. */
static __always_inline void own_fault__answered(__u32 svc_port,
                                                const struct weir_svc_settings *settings) {
    __u32 zero = 0;
    __u64 now_ns = bpf_ktime_get_coarse_ns();
    struct weir_svc_state *service =
        settings->eject_after ? bpf_map_lookup_elem(&weir_svc_state, &svc_port) : NULL;
    struct weir_answered *node = bpf_map_lookup_elem(&weir_answered, &zero);
    if (service && service->answered_ns != now_ns)
        service->answered_ns = now_ns;
    if (node && node->at_ns != now_ns)
        node->at_ns = now_ns;
}

static __always_inline int own_fault__is_after(__u64 at_ns, __u32 ms) {
    return at_ns && (__s32)((__u32)(at_ns / WEIR_NS_PER_MS) - ms) > 0;
}

/* Whether failures that this node's own network may have caused are the endpoint's: after the first
 * of them another endpoint of the service has answered; or somebody on this node, while no other
 * endpoint of the service fails. */
static __noinline int own_fault__is_not(const struct weir_edge_key *edge, __u32 failing_ms,
                                        const struct weir_svc_settings *settings) {
    __u32 zero = 0;
    struct weir_svc_state *service = bpf_map_lookup_elem(&weir_svc_state, &edge->svc_port);
    struct weir_answered *node = bpf_map_lookup_elem(&weir_answered, &zero);
    if (service && own_fault__is_after(service->answered_ns, failing_ms))
        return 1;
    return node && own_fault__is_after(node->at_ns, failing_ms) &&
           health__failing(edge->svc_port, settings) <= 1;
}

#endif

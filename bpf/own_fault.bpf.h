/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Silence may be the callers' own network: who answered them, and when, so that a silent endpoint
 * is told from callers that are cut off. A network namespace is a network of its own. Written by
 * every handshake, read by failures only.
 */
#ifndef WEIR_OWN_FAULT_BPF_H
#define WEIR_OWN_FAULT_BPF_H

#include "core/own_fault.h"
#include "health_scan.bpf.h"

static __always_inline void own_fault__set(__u64 netns, __u32 svc_port, __u64 now_ns) {
    struct weir_answered_key key = {netns, svc_port, 0};
    struct weir_answered *answered = bpf_map_lookup_elem(&weir_answered, &key);
    struct weir_answered now = {now_ns};
    if (!answered)
        bpf_map_update_elem(&weir_answered, &key, &now, BPF_ANY);
    else if (answered->at_ns != now_ns) /* once in some ms: CPUs do not contend for it */
        answered->at_ns = now_ns;
}

/* A handshake is complete, or a datagram came: the network works. `netns`: the cookie of the
 * callers' namespace; 0, where it is not known. */
static __noinline int own_fault__answered(__u64 netns, __u32 svc_port,
                                          const struct weir_svc_settings *settings) {
    __u64 now_ns = bpf_ktime_get_coarse_ns();
    if (settings->eject_after)
        own_fault__set(netns, svc_port, now_ns);
    own_fault__set(netns, WEIR_ANSWERED_ANY, now_ns);
    return 0;
}

/* 0: never, or not for long. */
static __noinline __u64 own_fault__answered_ns(__u64 netns, __u32 svc_port) {
    struct weir_answered_key key = {netns, svc_port, 0};
    struct weir_answered *answered = bpf_map_lookup_elem(&weir_answered, &key);
    return answered ? answered->at_ns : 0;
}

/* When somebody who vouches for the callers' network answered them last, if later than that (in
 * ms): an endpoint of the service; or any, while no other endpoint of it fails. 0: nobody. */
static __noinline __u64 own_fault__vouched_ns(__u64 netns, __u32 svc_port, __u32 after_ms,
                                              const struct weir_svc_settings *settings) {
    __u64 now_ns = bpf_ktime_get_coarse_ns();
    __u64 at_ns = own_fault__answered_ns(netns, svc_port);
    if (weir_answered_after(at_ns, after_ms, now_ns))
        return at_ns;
    at_ns = own_fault__answered_ns(netns, WEIR_ANSWERED_ANY);
    return weir_answered_after(at_ns, after_ms, now_ns) && health__failing(svc_port, settings) <= 1
               ? at_ns
               : 0;
}

#endif

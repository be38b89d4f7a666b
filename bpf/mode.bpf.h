/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether weir steers, only observes, or leaves alone: the highest of what the node, the service
 * and the calling workload say. A switch of a service or the node has a time at which it ends by
 * itself, with no daemon involved.
 */
#ifndef WEIR_MODE_BPF_H
#define WEIR_MODE_BPF_H

#include "core/mode.h"
#include "service.bpf.h"

__weak __noinline __u32 mode__in_force(__u32 svc_port, __u32 service_mode, __u32 workload_mode) {
    __u32 zero = 0;
    struct weir_node *node = bpf_map_lookup_elem(&weir_node, &zero);
    struct weir_svc_port *row = bpf_map_lookup_elem(&weir_svc_port, &svc_port);
    __u64 node_off = node ? node->off_until_ns : 0, service_off = row ? row->off_until_ns : 0;
    __u64 now_ns = node_off | service_off ? bpf_ktime_get_ns() : 0;
    return weir_mode_in_force(node_off, service_off, now_ns,
                              weir_mode_of_all(node ? node->mode : 0, service_mode, workload_mode));
}

static __always_inline __u32 mode__of(const struct service_view *view, __u32 workload_mode) {
    return mode__in_force(view->svc_port, view->settings->mode, workload_mode);
}

#endif

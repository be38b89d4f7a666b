/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether the next datagram of a flow goes to the endpoint that the flow has. Changes nothing.
 */
#ifndef WEIR_UDP_GOES_ON_BPF_H
#define WEIR_UDP_GOES_ON_BPF_H

#include "mode.bpf.h"
#include "service.bpf.h"
#include "udp_try.bpf.h"

/* Outlier detection has put the endpoint out since the flow was given it, and somebody else can be
 * had: flows have no handshake that would tell their senders, and leave. Who is out by hand keeps
 * those that it has. */
static __always_inline int udp__leaves(const struct service_view *view,
                                       const struct weir_udp_flow *flow) {
    struct weir_ep_state *state = view->settings->eject_after
                                      ? bpf_map_lookup_elem(&weir_ep_state, &flow->edge.endpoint)
                                      : NULL;
    if (!state || udp_try__speaks(state, weir_flow_mark(flow->mode)) || health__is_held(state))
        return 0;
    __u64 clock = health__clock(view);
    return weir_health_at(state->ejected_until_ns, 0, clock) != WEIR_HEALTH_IN &&
           healthy__any(view->svc_port, view->published, view->reach, clock) >= 0;
}

/* Whether a flow may go on as it is: same service, same mode, endpoint still in the mesh, and in.
 */
static __always_inline int udp__may_go_on(const struct weir_udp_flow *flow, __u32 svc_port,
                                          __u32 reach, __u64 now_ns) {
    if (flow->edge.svc_port != svc_port || weir_flow_is_idle(flow, now_ns, weir_udp_idle_ns))
        return 0;
    const struct weir_endpoint *row = bpf_map_lookup_elem(&weir_endpoint, &flow->edge.endpoint);
    if (!row || row->svc_port != svc_port || row->generation != flow->edge.generation ||
        row->flags & WEIR_ENDPOINT_LEAVING)
        return 0;
    struct service_view view = {};
    return !service__open(svc_port, reach, &view) &&
           mode__of(&view, WEIR_MODE_STEER) == weir_mode_of_flow(flow->mode) &&
           !udp__leaves(&view, flow);
}

#endif

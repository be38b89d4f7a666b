/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Calls of bpf/core/udp_flow.h as data, for core_eval.h: four flows of one word each. */
#ifndef WEIR_TESTS_CORE_EVAL_UDP_H
#define WEIR_TESTS_CORE_EVAL_UDP_H

#include "../../bpf/core/udp_flow.h"

/* A flow in a word: state, service, endpoint (each a byte, as address and as port), when used. */
#define CORE_FLOW(state, service, endpoint, used_ns) \
    ((__u64)(state) | (__u64)(service) << 8 | (__u64)(endpoint) << 16 | (__u64)(used_ns) << 24)

static inline void core_flow(struct weir_udp_flow* flow, __u64 word) {
    __u32 service = word >> 8 & 0xff, endpoint = word >> 16 & 0xff;
    flow->state = word & 0xff;
    flow->service_addr = weir_addr_from_v4(service);
    flow->service_port = service;
    flow->endpoint_addr = weir_addr_from_v4(endpoint);
    flow->endpoint_port = endpoint;
    flow->used_ns = word >> 24;
}

enum core_flow_question {
    CORE_FLOW_TO,
    CORE_FLOW_FROM,
    CORE_FLOW_ROOM,
    CORE_FLOW_IDLE,
    CORE_FLOW_OBSERVED
};

/* in: four flows, the question, an address, now, the idle time. */
static inline __u64 core_eval_flow(const __u64* in) {
    struct weir_udp_flow flows[WEIR_UDP_FLOWS] = {};
    for (int i = 0; i < WEIR_UDP_FLOWS; i++)
        core_flow(&flows[i], in[i]);
    __u32 id = in[5] & 0xff;
    struct weir_addr addr = weir_addr_from_v4(id);
    switch (in[4] & 7) {
        case CORE_FLOW_TO: return weir_flow_to(flows, &addr, id);
        case CORE_FLOW_FROM: return weir_flow_from(flows, &addr, id);
        case CORE_FLOW_ROOM: return weir_flow_room(flows, &addr, id, in[6], in[7]);
        case CORE_FLOW_OBSERVED: return weir_flow_is_observed(&flows[0]);
        default: return weir_flow_is_idle(&flows[0], in[6], in[7]);
    }
}

#endif

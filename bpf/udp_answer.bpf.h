/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where a datagram that a socket receives seems to come from: the service that it sent to, where it
 * is from that service's endpoint. Counts nothing and refuses nothing.
 */
#ifndef WEIR_UDP_ANSWER_BPF_H
#define WEIR_UDP_ANSWER_BPF_H

#include "before_udp.bpf.h"

/* Turns the source of a datagram into the service address that its socket sends to. 0: it is not an
 * answer from an endpoint. */
static __always_inline int udp__answer(struct bpf_sock *sk, __u64 cookie,
                                       struct weir_vip_key *source) {
    struct weir_udp_flow flow = {}, spilled = {};
    struct weir_udp_sock *sock = bpf_sk_storage_get(&weir_udp_sock, sk, NULL, 0);
    int found = sock && udp__recall_by_answer(sock, source, &flow);
    if (!found && weir_udp_at.present)
        found = udp__recall_before(sk, source, WEIR_SPILL_BY_ENDPOINT, &flow);
    struct weir_sock copy, *connected;
    __u32 *phase;
    connected = socket__find(sk, &copy, &phase);
    if (!found && connected && connected->endpoint_port == source->port &&
        weir_addr_equal(&connected->endpoint_addr, &source->addr)) {
        source->addr = connected->service_addr;
        source->port = connected->service_port;
        return 1;
    }
    if ((!sock || sock->spilled) && udp__recall_spilled_by_answer(cookie, source, &spilled) &&
        (!found || spilled.used_ns > flow.used_ns)) {
        flow = spilled;
        found = 1;
    }
    if (found) {
        source->addr = flow.service_addr;
        source->port = flow.service_port;
    }
    return found;
}

#endif

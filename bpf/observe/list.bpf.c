/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * weir_list and weir_flows: over all sockets that weir steered, for whoever asks which connections
 * and flows there are now. They write one weir_event for each, and change nothing.
 * A socket that comes or goes while a long list is read may be missing, or its neighbour twice.
 */
#include "../maps.bpf.h"

#include "../each_socket.bpf.h"
#include "../traffic.bpf.h"
#include "../udp_flows.bpf.h"

/* What is left of a connection that is over: the phase says so, or its socket does. */
static __always_inline int is_open(const struct weir_sock *sock, __u8 state) {
    if (sock->protocol == WEIR_PROTO_UDP)
        return sock->phase == WEIR_PHASE_ESTABLISHED;
    return sock->started_ns && state != WEIR_TCP_CLOSE;
}

static __always_inline void add_figures(struct weir_event *row, const struct weir_sock *sock,
                                        struct sock *sk) {
    const struct tcp_sock *tcp = (const struct tcp_sock *)bpf_skc_to_tcp_sock(sk);
    if (!tcp)
        return;
    struct traffic now = traffic__of(tcp);
    row->sent = now.sent;
    row->received = now.received;
    row->retransmits = now.retransmits;
    row->rtt_us = now.rtt_us;
    row->connect_us = sock->connect_us;
    row->first_byte_us = sock->first_byte_us;
}

static __always_inline int list_socket(struct sock *sk, struct bpf_iter_meta *meta) {
    struct seq_file *seq = meta->seq;
    struct weir_sock *sock = bpf_sk_storage_get(&weir_sock, sk, NULL, 0);
    if (!sock || sock->phase == WEIR_PHASE_MOVING)
        return 0;
    __u8 state = sk->__sk_common.skc_state;
    if (!is_open(sock, state))
        return 0;
    struct weir_event row = {.abi = WEIR_ABI_VERSION, .at_ns = bpf_ktime_get_ns()};
    row.kind = sock->protocol == WEIR_PROTO_UDP || state == WEIR_TCP_ESTABLISHED ? WEIR_EVENT_LIVES
               : state == WEIR_TCP_SYN_SENT ? WEIR_EVENT_CONNECTS
                                            : WEIR_EVENT_CLOSES;
    row.edge = sock->edge;
    event__addresses(&row, sock);
    add_figures(&row, sock, sk);
    bpf_seq_write(seq, &row, sizeof(row));
    return 0;
}

WEIR_EACH_SOCKET(weir_list, list_socket)
WEIR_EACH_TCP_SOCKET(weir_list, list_socket)
WEIR_EACH_UDP_SOCKET(weir_list, list_socket)

/* The flows of sockets that are not connected. */
static __always_inline int list_flows(struct sock *sk, struct bpf_iter_meta *meta) {
    struct seq_file *seq = meta->seq;
    struct weir_udp_sock *sock = bpf_sk_storage_get(&weir_udp_sock, sk, NULL, 0);
    if (!sock)
        return 0;
    for (int i = 0; i < WEIR_UDP_FLOWS; i++) {
        bpf_spin_lock(&sock->lock);
        struct weir_udp_flow flow = sock->flows[i];
        bpf_spin_unlock(&sock->lock);
        if (flow.state != WEIR_FLOW_ON_EDGE && flow.state != WEIR_FLOW_ON_OTHER)
            continue;
        struct weir_event row = {.abi = WEIR_ABI_VERSION, .at_ns = bpf_ktime_get_ns()};
        row.kind = WEIR_EVENT_LIVES;
        row.edge = flow.edge;
        event__addresses_of_flow(&row, &flow);
        bpf_seq_write(seq, &row, sizeof(row));
    }
    return 0;
}

WEIR_EACH_SOCKET(weir_flows, list_flows)
WEIR_EACH_UDP_SOCKET(weir_flows, list_flows)

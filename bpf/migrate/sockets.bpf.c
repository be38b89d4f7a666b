/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * weir_take and weir_takeudp: over the sockets of another build, whose rows are taken over into our
 * tables. Run by the agent once all hooks have our programs, which go on working meanwhile: a row
 * is taken exactly once, and what ends while it is taken is counted once.
 */
#include "../maps.bpf.h"

#include <bpf/bpf_core_read.h>

#include "../each_socket.bpf.h"
#include "../take_udp.bpf.h"

/* Our row has the phase now; an event that fell between the two rows is made up for. */
static __always_inline void take__catch_up(struct sock *sk, struct weir_sock *sock) {
    __u8 state = sk->__sk_common.skc_state;
    if (state == WEIR_TCP_CLOSE)
        return;
    socket__advance(&sock->phase, WEIR_EVENT_SYN);
    if (state != WEIR_TCP_SYN_SENT && socket__advance(&sock->phase, WEIR_EVENT_ESTABLISHED))
        sock->connect_us = 1; /* it was not seen when, but it will be told of */
}

/* The other build had taken this socket over from us, and did not get to its end: our row, which
 * says DONE, gets what the other build's row says. A connect() of this very socket at this very
 * moment may leave a mixture; both take some 100 ns. */
static __always_inline void take__back(struct weir_sock *sock, const struct weir_sock *copy) {
    if (__sync_val_compare_and_swap(&sock->phase, WEIR_PHASE_DONE, WEIR_PHASE_MOVING) !=
        WEIR_PHASE_DONE)
        return;
    sock->edge = copy->edge;
    sock->service_addr = copy->service_addr;
    sock->endpoint_addr = copy->endpoint_addr;
    sock->service_port = copy->service_port;
    sock->endpoint_port = copy->endpoint_port;
    sock->on_other = copy->on_other;
    sock->sent = copy->sent;
    sock->received = copy->received;
    sock->retransmits = copy->retransmits;
    sock->started_ns = copy->started_ns;
    sock->connect_us = copy->connect_us;
    sock->first_byte_us = copy->first_byte_us;
    sock->told = copy->told;
    sock->protocol = copy->protocol;
    sock->user_ms = copy->user_ms;
}

/* While the phase is on its way, the row says MOVING: whoever ends the connection then puts DONE in
 * its place and counts nothing, since it is not known yet what to count; it is counted here. */
static __always_inline int take_socket(struct sock *sk, struct bpf_iter_meta *meta) {
    struct weir_sock copy = {.phase = WEIR_PHASE_MOVING};
    void *row = before__sock_row(sk);
    if (!row)
        return 0;
    before__copy_sock(row, &copy);
    if (sk->__sk_common.skc_state == WEIR_TCP_CLOSE) /* all that it moved is counted */
        copy.started_ns = 0;
    struct weir_sock *sock = bpf_sk_storage_get(&weir_sock, sk, NULL, 0);
    if (!sock)
        sock = bpf_sk_storage_get(&weir_sock, sk, &copy, BPF_SK_STORAGE_GET_F_CREATE);
    else if (*before__phase(row) != WEIR_PHASE_DONE)
        take__back(sock, &copy);
    __u32 phase = __sync_lock_test_and_set(before__phase(row), WEIR_PHASE_DONE);
    int over = weir_end_of(phase, 0, 1) != WEIR_END_NONE;
    if (sock &&
        __sync_val_compare_and_swap(&sock->phase, WEIR_PHASE_MOVING, phase) == WEIR_PHASE_MOVING)
        take__catch_up(sk, sock);
    else if (over && !sock)
        socket__lose(&copy.edge, copy.on_other);
    else
        socket__finish(&copy, phase, 0, 1);
    return 0;
}

WEIR_EACH_SOCKET(weir_take, take_socket)
WEIR_EACH_TCP_SOCKET(weir_take, take_socket)
WEIR_EACH_UDP_SOCKET(weir_take, take_socket)

static __always_inline int take_flows(struct sock *sk, struct bpf_iter_meta *meta) {
    udp__take_flows(sk, bpf_get_socket_cookie(sk), 1);
    return 0;
}

WEIR_EACH_SOCKET(weir_takeudp, take_flows)
WEIR_EACH_UDP_SOCKET(weir_takeudp, take_flows)

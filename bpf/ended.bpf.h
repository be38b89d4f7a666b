/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The end of a connection: how it is counted, by which deadline it came, and what it says of the
 * endpoint. Whoever sees the end first counts it; it never ends anything itself.
 */
#ifndef WEIR_ENDED_BPF_H
#define WEIR_ENDED_BPF_H

#include "answer_time.bpf.h"
#include "deadlines.bpf.h"
#include "kernel_types.bpf.h"
#include "outliers.bpf.h"
#include "traffic.bpf.h"

/* It asked, and ends without an answer: at whatever moment its caller lost patience. */
static __always_inline void ended__take_silence(struct weir_sock *sock, struct tcp_sock *tcp) {
    if (!sock->started_ns || !sock->connect_us || !tcp->bytes_sent || weir_sock_is_observed(sock))
        return;
    __u64 now_ns = bpf_ktime_get_ns();
    answer_time__missing(&sock->edge, (now_ns - sock->started_ns) / 1000, now_ns);
}

/* FIN_WAIT1 without a byte heard: the application has closed it, which sock_release saw just before
 * this, or only its own direction. */
static __always_inline void ended__closing(struct bpf_sock *sk, struct weir_sock *sock,
                                           __u32 *phase) {
    struct tcp_sock *tcp = (struct tcp_sock *)bpf_skc_to_tcp_sock(sk);
    if (tcp && *phase == WEIR_PHASE_DONE)
        ended__take_silence(sock, tcp);
}

/* What the end of a connection says of its endpoint. `error`: as weir_end_of has it. */
static __always_inline void ended__judge(struct bpf_sock_ops *ctx, struct weir_sock *sock,
                                         __u32 was, __u32 error, __u32 retransmits, int heard) {
    if (weir_sock_is_observed(sock))
        return;
    if (weir_gave_up_on_silence(was, error, ctx->args[0], retransmits))
        outliers__failed(ctx, sock, WEIR_FAILURE_TIMEOUT);
    else if (weir_end_of(was, error, heard) == WEIR_END_FAILED)
        outliers__failed(ctx, sock, weir_failure_of(was, error));
    else if (heard)
        heard__bytes(sock);
}

/* The last of its events: it comes after the application's close(), too. */
static __always_inline void ended__count(struct bpf_sock_ops *ctx, struct bpf_sock *sk,
                                         struct weir_sock *sock, __u32 *phase, __u32 old_state,
                                         int heard) {
    struct tcp_sock *tcp = (struct tcp_sock *)bpf_skc_to_tcp_sock(sk);
    /* The errno that the kernel has for the application; 0: it was not the kernel that ended it. */
    __u32 error = tcp ? ((struct sock *)tcp)->sk_err : 0;
    __u32 was = socket__end(sock, phase, heard ? 0 : error, heard);
    if (tcp)
        deadlines__count(sock, was, error, (struct inet_connection_sock *)tcp);
    ended__judge(ctx, sock, was, heard ? 0 : error, tcp ? tcp->total_retrans : 0, heard);
    if (tcp && !heard && was == WEIR_PHASE_ESTABLISHED)
        ended__take_silence(sock, tcp);
    if (tcp)
        traffic__flush_last(sock, tcp,
                            weir_cut_off_by(old_state, error, TRAFFIC_HAS(tcp, SOCK_DEAD)));
}

#endif

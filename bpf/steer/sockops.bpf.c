/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sock_ops: follows a steered connection from its SYN to its end. Asks for state callbacks only on
 * sockets that weir steered, so that others pay nothing after their connect.
 */
#include "../maps.bpf.h"

#include "../answer_time.bpf.h"
#include "../core/addr.h"
#include "../deadlines.bpf.h"
#include "../ended.bpf.h"
#include "../kernel_types.bpf.h"
#include "../load.bpf.h"
#include "../outliers.bpf.h"

#define WEIR_AF_INET 2

/* Whether the connection that begins is the one that weir steered, or a later one to elsewhere. */
static __always_inline int goes_to_endpoint(struct bpf_sock *sk, const struct weir_sock *sock) {
    struct weir_addr peer = {{WEIR_LOAD32(sk, dst_ip6[0]), WEIR_LOAD32(sk, dst_ip6[1]),
                              WEIR_LOAD32(sk, dst_ip6[2]), WEIR_LOAD32(sk, dst_ip6[3])}};
    if (WEIR_LOAD32(sk, family) == WEIR_AF_INET)
        peer = weir_addr_from_v4(WEIR_LOAD32(sk, dst_ip4));
    return sk->dst_port == sock->endpoint_port && weir_addr_equal(&peer, &sock->endpoint_addr);
}

/* It stands for the time of answers until one is known; a SYN that had to be sent again (a full
 * accept queue) is as bad as an answer that took so long. */
static __always_inline void take_connect_time(struct weir_sock *sock, int sent_again) {
    if (!sock->started_ns)
        return;
    __u64 now_ns = bpf_ktime_get_ns(), us = (now_ns - sock->started_ns) / 1000;
    struct weir_ep_state *state = weir_sock_is_observed(sock) ? NULL : health__row(&sock->edge);
    if (state)
        answer_time__add(state, us, sent_again ? 0 : WEIR_LATENCY_GUESSED, now_ns);
    sock->connect_us = us ? us : 1;
    struct weir_latency *latency = sock->on_other ? NULL : latency__find_or_make(&sock->edge);
    if (latency)
        histogram__add(&latency->of[WEIR_LATENCY_CONNECT], us);
}

/* Asks for this kind of callback, too. */
static __always_inline int ask_for(struct bpf_sock_ops *ctx, int flag) {
    return bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | flag);
}

static __always_inline void begin(struct bpf_sock_ops *ctx, struct bpf_sock *sk,
                                  struct weir_sock *sock, __u32 *phase) {
    if (!goes_to_endpoint(sk, sock)) { /* the steered connect never got as far as a SYN */
        socket__end_by_caller(sock, phase);
        socket__leave(sock);
        deadlines__begin(ctx, sk, sock, NULL);
        return;
    }
    socket__advance(phase, WEIR_EVENT_SYN); /* or a take-over has seen it first, and did */
    if (ask_for(ctx, BPF_SOCK_OPS_STATE_CB_FLAG))
        reason__count(WEIR_REASON_NO_STATE_CALLBACK);
}

static __always_inline void connected(struct bpf_sock_ops *ctx, struct weir_sock *sock) {
    const struct weir_svc_settings *settings = service__settings(sock->edge.svc_port);
    take_connect_time(sock, ctx->total_retrans != 0);
    if (!settings || weir_sock_is_observed(sock))
        return;
    outliers__connected(ctx, sock, settings);
    deadlines__connected(ctx, sock, settings);
    if (settings->eject_after || settings->tcp_user_ms)
        ask_for(ctx, BPF_SOCK_OPS_RTO_CB_FLAG);
}

/* The retransmission timer, of so many jiffies, ran out; it had so often before, in a row. */
static __always_inline void timed_out(struct bpf_sock_ops *ctx, struct bpf_sock *sk,
                                      struct weir_sock *sock, __u32 before, __u32 jiffies) {
    const struct weir_svc_settings *settings = service__settings(sock->edge.svc_port);
    if (!settings)
        return;
    if (!before)
        deadlines__resend(ctx, sk, sock, settings, jiffies);
    if (settings->eject_after)
        outliers__timed_out(ctx, sock, before, jiffies);
}

SEC("sockops")
int weir_sockops(struct bpf_sock_ops *ctx) {
    struct bpf_sock *sk = ctx->sk;
    __u32 op = ctx->op, old_state = ctx->args[0], new_state = ctx->args[1];
    __u32 snd_nxt = ctx->snd_nxt;
    __u64 received = ctx->bytes_received;
    /* More questions are asked of every connection (windows, ECN): not for weir. */
    if (op != BPF_SOCK_OPS_TCP_CONNECT_CB && op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB &&
        op != BPF_SOCK_OPS_TIMEOUT_INIT && op != BPF_SOCK_OPS_RTO_CB &&
        (op != BPF_SOCK_OPS_STATE_CB ||
         (new_state != WEIR_TCP_CLOSE && (new_state != WEIR_TCP_FIN_WAIT1 || received))))
        return 1;
    struct weir_sock copy;
    __u32 *phase;
    struct weir_sock *sock = sk ? socket__find(sk, &copy, &phase) : NULL;
    if (!sock)
        return 1;
    if (op == BPF_SOCK_OPS_TCP_CONNECT_CB) {
        begin(ctx, sk, sock, phase);
    } else if (op == BPF_SOCK_OPS_TIMEOUT_INIT) {
        ctx->reply = deadlines__syn_ticks(sock);
    } else if (op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB) {
        sock->asked = snd_nxt; /* nothing yet */
        if (socket__advance(phase, WEIR_EVENT_ESTABLISHED))
            connected(ctx, sock);
    } else if (op == BPF_SOCK_OPS_RTO_CB) {
        if (*phase == WEIR_PHASE_ESTABLISHED)
            timed_out(ctx, sk, sock, old_state, ctx->args[1]);
    } else if (new_state == WEIR_TCP_FIN_WAIT1) {
        ended__closing(sk, sock, phase);
    } else {
        ended__count(ctx, sk, sock, phase, old_state, received != 0);
    }
    return 1;
}

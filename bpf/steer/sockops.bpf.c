/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sock_ops: follows a steered connection from its SYN to its end. Asks for state callbacks only on
 * sockets that weir steered, so that others pay nothing after their connect.
 */
#include "../maps.bpf.h"

#include "../core/addr.h"
#include "../kernel_types.bpf.h"
#include "../load.bpf.h"
#include "../socket.bpf.h"

#define WEIR_TCP_CLOSE 7
#define WEIR_AF_INET 2

/* Whether the connection that begins is the one that weir steered, or a later one to elsewhere. */
static __always_inline int goes_to_endpoint(struct bpf_sock *sk, const struct weir_sock *sock) {
    struct weir_addr peer = {{WEIR_LOAD32(sk, dst_ip6[0]), WEIR_LOAD32(sk, dst_ip6[1]),
                              WEIR_LOAD32(sk, dst_ip6[2]), WEIR_LOAD32(sk, dst_ip6[3])}};
    if (WEIR_LOAD32(sk, family) == WEIR_AF_INET)
        peer = weir_addr_from_v4(WEIR_LOAD32(sk, dst_ip4));
    return sk->dst_port == sock->endpoint_port && weir_addr_equal(&peer, &sock->endpoint_addr);
}

/* The errno that the kernel has for the application; 0: it was not the kernel that ended it. */
static __always_inline __u32 error_of(struct bpf_sock *sk) {
    struct sock *full = (struct sock *)bpf_skc_to_tcp_sock(sk);
    return full ? full->sk_err : 0;
}

SEC("sockops")
int weir_sockops(struct bpf_sock_ops *ctx) {
    struct bpf_sock *sk = ctx->sk;
    __u32 op = ctx->op, new_state = ctx->args[1];
    __u64 received = ctx->bytes_received;
    /* Five more questions are asked of every connection (timeouts, windows, ECN): not for weir. */
    if (op != BPF_SOCK_OPS_TCP_CONNECT_CB && op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB &&
        (op != BPF_SOCK_OPS_STATE_CB || new_state != WEIR_TCP_CLOSE))
        return 1;
    struct weir_sock copy;
    __u32 *phase;
    struct weir_sock *sock = sk ? socket__find(sk, &copy, &phase) : NULL;
    if (!sock)
        return 1;
    if (op == BPF_SOCK_OPS_TCP_CONNECT_CB) {
        if (!goes_to_endpoint(sk, sock))
            socket__end_by_caller(sock, phase); /* the steered connect never got as far as a SYN */
        else if (socket__advance(phase, WEIR_EVENT_SYN) &&
                 bpf_sock_ops_cb_flags_set(ctx,
                                           ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG))
            reason__count(WEIR_REASON_NO_STATE_CALLBACK);
    } else if (op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB) {
        socket__advance(phase, WEIR_EVENT_ESTABLISHED);
    } else {
        socket__end(sock, phase, received ? 0 : error_of(sk), received != 0);
    }
    return 1;
}

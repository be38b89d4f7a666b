/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sock_ops: follows a steered connection from its SYN to its end. Asks for state callbacks only on
 * sockets that weir steered, so that others pay nothing after their connect.
 */
#include "../maps.bpf.h"

#include "../socket.bpf.h"

#define WEIR_TCP_CLOSE 7

SEC("sockops")
int weir_sockops(struct bpf_sock_ops *ctx) {
    struct bpf_sock *sk = ctx->sk;
    __u32 op = ctx->op, new_state = ctx->args[1];
    struct weir_sock *sock = sk ? bpf_sk_storage_get(&weir_sock, sk, NULL, 0) : NULL;
    if (!sock)
        return 1;
    if (op == BPF_SOCK_OPS_TCP_CONNECT_CB) {
        if (socket__advance(sock, WEIR_EVENT_SYN) &&
            bpf_sock_ops_cb_flags_set(ctx, BPF_SOCK_OPS_STATE_CB_FLAG))
            reason__count(WEIR_REASON_NO_STATE_CALLBACK);
    } else if (op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB) {
        socket__advance(sock, WEIR_EVENT_ESTABLISHED);
    } else if (op == BPF_SOCK_OPS_STATE_CB && new_state == WEIR_TCP_CLOSE) {
        socket__end(sock);
    }
    return 1;
}

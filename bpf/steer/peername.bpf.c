/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cgroup/getpeername4 and getpeername6: the application sees the service's address, the one it
 * asked for. Only while the socket's peer is still the endpoint that weir chose: a socket that was
 * connected elsewhere since then tells the truth. Not told apart: a socket whose steered connect
 * failed, and that was then connected to that very endpoint directly.
 */
#include "../maps.bpf.h"

#include "../core/addr.h"

static __always_inline struct weir_sock *peer__of(struct bpf_sock *sk, const struct weir_addr *addr,
                                                  __be16 port) {
    struct weir_sock *sock = bpf_sk_storage_get(&weir_sock, sk, NULL, 0);
    if (!sock || sock->endpoint_port != port || !weir_addr_equal(&sock->endpoint_addr, addr))
        return NULL;
    return sock;
}

SEC("cgroup/getpeername4")
int weir_peer4(struct bpf_sock_addr *ctx) {
    struct bpf_sock *sk = ctx->sk;
    struct weir_addr addr = weir_addr_from_v4(ctx->user_ip4);
    __be16 port = ctx->user_port;
    struct weir_sock *sock = sk ? peer__of(sk, &addr, port) : NULL;
    if (sock) {
        ctx->user_ip4 = sock->service_addr.w[3];
        ctx->user_port = sock->service_port;
    }
    return 1;
}

SEC("cgroup/getpeername6")
int weir_peer6(struct bpf_sock_addr *ctx) {
    struct bpf_sock *sk = ctx->sk;
    struct weir_addr addr = {
        {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]}};
    __be16 port = ctx->user_port;
    struct weir_sock *sock = sk ? peer__of(sk, &addr, port) : NULL;
    if (sock) {
        ctx->user_ip6[0] = sock->service_addr.w[0];
        ctx->user_ip6[1] = sock->service_addr.w[1];
        ctx->user_ip6[2] = sock->service_addr.w[2];
        ctx->user_ip6[3] = sock->service_addr.w[3];
        ctx->user_port = sock->service_port;
    }
    return 1;
}

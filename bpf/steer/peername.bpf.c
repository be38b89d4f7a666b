/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cgroup/getpeername4 and getpeername6: the application sees the service's address, the one it
 * asked for. Only while the socket's peer is still the endpoint that weir chose: a socket that was
 * connected elsewhere since then tells the truth. Not told apart: a socket whose steered connect
 * failed, and that was then connected to that very endpoint directly.
 */
#include "../maps.bpf.h"

#include "../sock_addr.bpf.h"
#include "../socket.bpf.h"

static __always_inline struct weir_sock *peer__of(struct bpf_sock *sk,
                                                  const struct weir_vip_key *peer,
                                                  struct weir_sock *copy) {
    __u32 *phase;
    struct weir_sock *sock = socket__find(sk, copy, &phase);
    if (!sock || sock->endpoint_port != peer->port ||
        !weir_addr_equal(&sock->endpoint_addr, &peer->addr))
        return NULL;
    return sock;
}

SEC("cgroup/getpeername4")
int weir_peer4(struct bpf_sock_addr *ctx) {
    struct bpf_sock *sk = ctx->sk;
    struct weir_vip_key peer = sock_addr__read4(ctx, 0);
    struct weir_sock copy, *sock = sk ? peer__of(sk, &peer, &copy) : NULL;
    if (sock)
        sock_addr__write4(ctx, &sock->service_addr, sock->service_port);
    return 1;
}

SEC("cgroup/getpeername6")
int weir_peer6(struct bpf_sock_addr *ctx) {
    struct bpf_sock *sk = ctx->sk;
    struct weir_vip_key peer = sock_addr__read6(ctx, 0);
    struct weir_sock copy, *sock = sk ? peer__of(sk, &peer, &copy) : NULL;
    if (sock)
        sock_addr__write6(ctx, &sock->service_addr, sock->service_port);
    return 1;
}

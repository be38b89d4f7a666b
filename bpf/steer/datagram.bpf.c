/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cgroup/sendmsg4, sendmsg6, recvmsg4 and recvmsg6: datagrams of UDP sockets that name an address.
 * A connected socket of family AF_INET6 with an IPv4 peer comes through sendmsg4 with each
 * datagram, under its endpoint's address, which is no service's: it leaves at once. An answer to a
 * datagram that went out through sendmsg4 may come in through recvmsg6.
 */
#include "../maps.bpf.h"

#include <bpf/bpf_core_read.h>

#include "../sock_addr.bpf.h"
#include "../udp.bpf.h"
#include "../udp_answer.bpf.h"

SEC("cgroup/sendmsg4")
int weir_sendmsg4(struct bpf_sock_addr *ctx) {
    struct bpf_sock *sk = ctx->sk;
    struct weir_vip_key target = sock_addr__read4(ctx, WEIR_PROTO_UDP);
    if (!sk)
        return 1;
    int outcome = udp__steer(ctx, sk, &target, 0);
    if (outcome == WEIR_STEERED)
        sock_addr__write4(ctx, &target.addr, target.port);
    return connect__verdict(outcome);
}

SEC("cgroup/sendmsg6")
int weir_sendmsg6(struct bpf_sock_addr *ctx) {
    struct bpf_sock *sk = ctx->sk;
    struct weir_vip_key target = sock_addr__read6(ctx, WEIR_PROTO_UDP);
    if (!sk)
        return 1;
    int outcome = udp__steer(ctx, sk, &target, 1);
    if (outcome == WEIR_STEERED)
        sock_addr__write6(ctx, &target.addr, target.port);
    return connect__verdict(outcome);
}

SEC("cgroup/recvmsg4")
int weir_recvmsg4(struct bpf_sock_addr *ctx) {
    struct bpf_sock *sk = ctx->sk;
    struct weir_vip_key source = sock_addr__read4(ctx, WEIR_PROTO_UDP);
    if (sk && udp__answer(sk, bpf_get_socket_cookie(ctx), &source))
        sock_addr__write4(ctx, &source.addr, source.port);
    return 1;
}

SEC("cgroup/recvmsg6")
int weir_recvmsg6(struct bpf_sock_addr *ctx) {
    struct bpf_sock *sk = ctx->sk;
    struct weir_vip_key source = sock_addr__read6(ctx, WEIR_PROTO_UDP);
    if (sk && udp__answer(sk, bpf_get_socket_cookie(ctx), &source))
        sock_addr__write6(ctx, &source.addr, source.port);
    return 1;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cgroup/sendmsg4, sendmsg6, recvmsg4 and recvmsg6: datagrams of UDP sockets that name an address.
 * A connected socket of family AF_INET6 with an IPv4 peer comes through sendmsg4 with each
 * datagram, under its endpoint's address, which is no service's: it leaves at once. An answer to a
 * datagram that went out through sendmsg4 may come in through recvmsg6.
 */
#include "../maps.bpf.h"

#include <bpf/bpf_core_read.h>

#include "../udp.bpf.h"

SEC("cgroup/sendmsg4")
int weir_sendmsg4(struct bpf_sock_addr *ctx) {
    struct bpf_sock *sk = ctx->sk;
    __be32 addr = ctx->user_ip4;
    __be16 port = ctx->user_port;
    if (!sk)
        return 1;
    struct weir_vip_key target = {weir_addr_from_v4(addr), port, WEIR_PROTO_UDP, 0};
    int outcome = udp__steer(ctx, sk, &target, 0);
    if (outcome == WEIR_STEERED) {
        ctx->user_ip4 = target.addr.w[3];
        ctx->user_port = target.port;
    }
    return connect__verdict(outcome);
}

SEC("cgroup/sendmsg6")
int weir_sendmsg6(struct bpf_sock_addr *ctx) {
    struct bpf_sock *sk = ctx->sk;
    struct weir_addr addr = {
        {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]}};
    __be16 port = ctx->user_port;
    if (!sk)
        return 1;
    struct weir_vip_key target = {addr, port, WEIR_PROTO_UDP, 0};
    int outcome = udp__steer(ctx, sk, &target, 1);
    if (outcome == WEIR_STEERED) {
        ctx->user_ip6[0] = target.addr.w[0];
        ctx->user_ip6[1] = target.addr.w[1];
        ctx->user_ip6[2] = target.addr.w[2];
        ctx->user_ip6[3] = target.addr.w[3];
        ctx->user_port = target.port;
    }
    return connect__verdict(outcome);
}

SEC("cgroup/recvmsg4")
int weir_recvmsg4(struct bpf_sock_addr *ctx) {
    struct bpf_sock *sk = ctx->sk;
    __be32 addr = ctx->user_ip4;
    __be16 port = ctx->user_port;
    struct weir_vip_key source = {weir_addr_from_v4(addr), port, WEIR_PROTO_UDP, 0};
    if (sk && udp__answer(sk, bpf_get_socket_cookie(ctx), &source)) {
        ctx->user_ip4 = source.addr.w[3];
        ctx->user_port = source.port;
    }
    return 1;
}

SEC("cgroup/recvmsg6")
int weir_recvmsg6(struct bpf_sock_addr *ctx) {
    struct bpf_sock *sk = ctx->sk;
    struct weir_addr addr = {
        {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]}};
    __be16 port = ctx->user_port;
    struct weir_vip_key source = {addr, port, WEIR_PROTO_UDP, 0};
    if (sk && udp__answer(sk, bpf_get_socket_cookie(ctx), &source)) {
        ctx->user_ip6[0] = source.addr.w[0];
        ctx->user_ip6[1] = source.addr.w[1];
        ctx->user_ip6[2] = source.addr.w[2];
        ctx->user_ip6[3] = source.addr.w[3];
        ctx->user_port = source.port;
    }
    return 1;
}

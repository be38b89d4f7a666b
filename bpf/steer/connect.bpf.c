/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cgroup/connect4 and connect6: context -> connect__steer -> verdict. Runs in process context, with
 * the socket locked. Decides nothing itself. Each context field is loaded once, before the first
 * branch: clang 19 merges later loads into "dereference of modified ctx ptr".
 */
#include "../maps.bpf.h"

#include <bpf/bpf_core_read.h>

#include "../connect.bpf.h"

static __always_inline int is_steered(__u32 protocol) {
    return protocol == WEIR_PROTO_TCP || protocol == WEIR_PROTO_UDP;
}

SEC("cgroup/connect4")
int weir_connect4(struct bpf_sock_addr *ctx) {
    struct bpf_sock *sk = ctx->sk;
    __be32 addr = ctx->user_ip4;
    __be16 port = ctx->user_port;
    __u32 protocol = ctx->protocol;
    if (!sk || !is_steered(protocol))
        return 1;
    struct weir_vip_key target = {weir_addr_from_v4(addr), port, protocol, 0};
    int outcome = connect__steer(ctx, sk, &target, 0);
    if (outcome == WEIR_STEERED) {
        ctx->user_ip4 = target.addr.w[3];
        ctx->user_port = target.port;
    }
    return connect__verdict(outcome);
}

SEC("cgroup/connect6")
int weir_connect6(struct bpf_sock_addr *ctx) {
    struct bpf_sock *sk = ctx->sk;
    struct weir_addr addr = {
        {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]}};
    __be16 port = ctx->user_port;
    __u32 protocol = ctx->protocol;
    if (!sk || !is_steered(protocol))
        return 1;
    struct weir_vip_key target = {addr, port, protocol, 0};
    int outcome = connect__steer(ctx, sk, &target, 1);
    if (outcome == WEIR_STEERED) {
        ctx->user_ip6[0] = target.addr.w[0];
        ctx->user_ip6[1] = target.addr.w[1];
        ctx->user_ip6[2] = target.addr.w[2];
        ctx->user_ip6[3] = target.addr.w[3];
        ctx->user_port = target.port;
    }
    return connect__verdict(outcome);
}

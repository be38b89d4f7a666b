/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cgroup/connect4 and connect6: context -> connect__steer -> verdict. Runs in process context, with
 * the socket locked. Decides nothing itself. Each context field is loaded once, before the first
 * branch: clang 19 merges later loads into "dereference of modified ctx ptr".
 */
#include "../maps.bpf.h"

#include <bpf/bpf_core_read.h>

#include "../connect.bpf.h"

/* An outcome becomes the hook's verdict here and nowhere else: 1 = go on, 0 = refuse. */
static __always_inline int verdict_of(int outcome) {
    if (outcome >= 0)
        return 1;
    bpf_set_retval(outcome);
    return 0;
}

SEC("cgroup/connect4")
int weir_connect4(struct bpf_sock_addr *ctx) {
    struct bpf_sock *sk = ctx->sk;
    __be32 addr = ctx->user_ip4;
    __be16 port = ctx->user_port;
    if (ctx->protocol != WEIR_PROTO_TCP || !sk)
        return 1;
    struct weir_vip_key target = {weir_addr_from_v4(addr), port, WEIR_PROTO_TCP, 0};
    int outcome = connect__steer(sk, &target, 0);
    if (outcome == WEIR_STEERED) {
        ctx->user_ip4 = target.addr.w[3];
        ctx->user_port = target.port;
    }
    return verdict_of(outcome);
}

SEC("cgroup/connect6")
int weir_connect6(struct bpf_sock_addr *ctx) {
    struct bpf_sock *sk = ctx->sk;
    struct weir_addr addr = {
        {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]}};
    __be16 port = ctx->user_port;
    if (ctx->protocol != WEIR_PROTO_TCP || !sk)
        return 1;
    struct weir_vip_key target = {addr, port, WEIR_PROTO_TCP, 0};
    int outcome = connect__steer(sk, &target, 1);
    if (outcome == WEIR_STEERED) {
        ctx->user_ip6[0] = target.addr.w[0];
        ctx->user_ip6[1] = target.addr.w[1];
        ctx->user_ip6[2] = target.addr.w[2];
        ctx->user_ip6[3] = target.addr.w[3];
        ctx->user_port = target.port;
    }
    return verdict_of(outcome);
}

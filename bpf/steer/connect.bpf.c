/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cgroup/connect4 and connect6: context -> connect__steer -> verdict. Runs in process context, with
 * the socket locked. Decides nothing itself.
 */
#include "../maps.bpf.h"

#include <bpf/bpf_core_read.h>

#include "../connect.bpf.h"
#include "../sock_addr.bpf.h"

static __always_inline int is_steered(__u32 protocol) {
    return protocol == WEIR_PROTO_TCP || protocol == WEIR_PROTO_UDP;
}

SEC("cgroup/connect4")
int weir_connect4(struct bpf_sock_addr *ctx) {
    struct bpf_sock *sk = ctx->sk;
    __u32 protocol = ctx->protocol;
    struct weir_vip_key target = sock_addr__read4(ctx, protocol);
    if (!sk || !is_steered(protocol))
        return 1;
    int outcome = connect__steer(ctx, sk, &target, 0);
    if (outcome == WEIR_STEERED)
        sock_addr__write4(ctx, &target.addr, target.port);
    return connect__verdict(outcome);
}

SEC("cgroup/connect6")
int weir_connect6(struct bpf_sock_addr *ctx) {
    struct bpf_sock *sk = ctx->sk;
    __u32 protocol = ctx->protocol;
    struct weir_vip_key target = sock_addr__read6(ctx, protocol);
    if (!sk || !is_steered(protocol))
        return 1;
    int outcome = connect__steer(ctx, sk, &target, 1);
    if (outcome == WEIR_STEERED)
        sock_addr__write6(ctx, &target.addr, target.port);
    return connect__verdict(outcome);
}

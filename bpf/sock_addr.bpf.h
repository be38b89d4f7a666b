/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The address in a sock_addr context, read and written in one place for every hook. To be read
 * before the program's first branch: clang 19 merges later loads into "dereference of modified ctx
 * ptr".
 */
#ifndef WEIR_SOCK_ADDR_BPF_H
#define WEIR_SOCK_ADDR_BPF_H

#include "core/addr.h"
#include "maps.bpf.h"

static __always_inline struct weir_vip_key sock_addr__read4(struct bpf_sock_addr *ctx,
                                                            __u8 protocol) {
    __be32 addr = ctx->user_ip4;
    __be16 port = ctx->user_port;
    return (struct weir_vip_key){weir_addr_from_v4(addr), port, protocol, 0};
}

static __always_inline struct weir_vip_key sock_addr__read6(struct bpf_sock_addr *ctx,
                                                            __u8 protocol) {
    struct weir_addr addr = {
        {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]}};
    __be16 port = ctx->user_port;
    return (struct weir_vip_key){addr, port, protocol, 0};
}

static __always_inline void sock_addr__write4(struct bpf_sock_addr *ctx,
                                              const struct weir_addr *addr, __be16 port) {
    ctx->user_ip4 = addr->w[3];
    ctx->user_port = port;
}

static __always_inline void sock_addr__write6(struct bpf_sock_addr *ctx,
                                              const struct weir_addr *addr, __be16 port) {
    ctx->user_ip6[0] = addr->w[0];
    ctx->user_ip6[1] = addr->w[1];
    ctx->user_ip6[2] = addr->w[2];
    ctx->user_ip6[3] = addr->w[3];
    ctx->user_port = port;
}

#endif

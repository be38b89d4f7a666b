/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Iterators over sockets: over the table in which each has its row, in all network namespaces at
 * once; or, on a kernel that refuses those, over the TCP and the UDP sockets of one namespace after
 * the other. One of the two kinds is loaded (loader/iterators.h).
 */
#ifndef WEIR_EACH_SOCKET_BPF_H
#define WEIR_EACH_SOCKET_BPF_H

#include <bpf/bpf_helpers.h>

#include "kernel_types.bpf.h"

/* `visit(sk, meta)` for each with a row in the table of the iterator. Read once: 6.1 remembers the
 * check for that read only. */
#define WEIR_EACH_SOCKET(name, visit)                    \
    SEC("iter/bpf_sk_storage_map")                       \
    int name(struct bpf_iter__bpf_sk_storage_map *ctx) { \
        struct sock *sk = ctx->sk;                       \
        asm volatile("" : "+r"(sk));                     \
        return sk ? visit(sk, ctx->meta) : 0;            \
    }

/* … for each TCP socket, whether it has a row or not; but no half of one: neither what waits for a
 * handshake nor in TIME_WAIT. */
#define WEIR_EACH_TCP_SOCKET(name, visit)                                    \
    SEC("iter/tcp")                                                          \
    int name##_tcp(struct bpf_iter__tcp *ctx) {                              \
        struct sock_common *common = ctx->sk_common;                         \
        void *sk = common ? (void *)bpf_skc_to_tcp_sock(common) : (void *)0; \
        return sk ? visit(sk, ctx->meta) : 0;                                \
    }

/* … for each UDP socket. */
#define WEIR_EACH_UDP_SOCKET(name, visit)       \
    SEC("iter/udp")                             \
    int name##_udp(struct bpf_iter__udp *ctx) { \
        void *sk = ctx->udp_sk;                 \
        asm volatile("" : "+r"(sk));            \
        return sk ? visit(sk, ctx->meta) : 0;   \
    }

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Iterators over sockets, in all network namespaces: over the table in which each has its row; or,
 * on a kernel that refuses those, over the descriptors of all tasks that the agent may see. The
 * second kind finds a socket once for each descriptor, and misses those that have none: closed by
 * their application and not yet by the kernel, and the subflows of MPTCP. One of the two is loaded
 * (loader/iterators.h).
 */
#ifndef WEIR_EACH_SOCKET_BPF_H
#define WEIR_EACH_SOCKET_BPF_H

#include <bpf/bpf_helpers.h>

#include "kernel_types.bpf.h"

static __always_inline struct sock *each__of_file(struct file *file) {
    struct socket *socket = file ? bpf_sock_from_file(file) : NULL;
    return socket ? socket->sk : NULL;
}

/* `visit(sk, meta)` for each; `sk` is not NULL. Read once: 6.1 remembers the check for that read
 * only. */
#define WEIR_EACH_SOCKET(name, visit)                    \
    SEC("iter/bpf_sk_storage_map")                       \
    int name(struct bpf_iter__bpf_sk_storage_map *ctx) { \
        struct sock *sk = ctx->sk;                       \
        asm volatile("" : "+r"(sk));                     \
        return sk ? visit(sk, ctx->meta) : 0;            \
    }                                                    \
    SEC("iter/task_file")                                \
    int name##_fd(struct bpf_iter__task_file *ctx) {     \
        struct sock *sk = each__of_file(ctx->file);      \
        return sk ? visit(sk, ctx->meta) : 0;            \
    }

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rows of sockets in the tables of another build, which had other layouts, while this build takes
 * over from it. Where a socket has a row in our table, that one holds, unless it says DONE and the
 * other does not. Else programs that read or release work on the other build's row in place, since
 * its own programs may still do so too. Who ends something looks there first and in our table after
 * it, in the direction in which sockets move: else an end could miss one on its way. When there is
 * no other build, `present` is the constant 0 and the kernel removes all of this at load.
 */
#ifndef WEIR_BEFORE_BPF_H
#define WEIR_BEFORE_BPF_H

#include "../maps/abi/before.h"
#include "maps.bpf.h"

WEIR_SOCKET_MAP(weir_sock_before, struct weir_sock);
WEIR_SOCKET_MAP(weir_udp_sock_before, struct weir_udp_sock);

const volatile struct weir_before_sock weir_sock_at __attribute__((weak)) = {};
const volatile struct weir_before_udp weir_udp_at __attribute__((weak)) = {};

/* A field of the other build's row; settings are constants when the kernel looks at this. */
#define BEFORE_LOAD(type, row, at) \
    ((at) == WEIR_NOWHERE ? (type)0 : *(type *)((char *)(row) + (at)))

static __always_inline struct weir_addr before__addr(const void *row, __u32 at) {
    const __u32 *words = (const __u32 *)((const char *)row + at);
    return (struct weir_addr){{words[0], words[1], words[2], words[3]}};
}

#define BEFORE_COPY_EDGE(edge, row, at)                                \
    do {                                                               \
        (edge)->workload = BEFORE_LOAD(__u32, row, (at).workload);     \
        (edge)->svc_port = BEFORE_LOAD(__u32, row, (at).svc_port);     \
        (edge)->endpoint = BEFORE_LOAD(__u32, row, (at).endpoint);     \
        (edge)->generation = BEFORE_LOAD(__u32, row, (at).generation); \
    } while (0)

/* Copies what weir_sock and weir_udp_flow have in common; `to` is one of the two. */
#define BEFORE_COPY_STEERED(to, row, at)                                   \
    do {                                                                   \
        BEFORE_COPY_EDGE(&(to)->edge, row, at);                            \
        (to)->service_addr = before__addr(row, (at).service_addr);         \
        (to)->endpoint_addr = before__addr(row, (at).endpoint_addr);       \
        (to)->service_port = BEFORE_LOAD(__u16, row, (at).service_port);   \
        (to)->endpoint_port = BEFORE_LOAD(__u16, row, (at).endpoint_port); \
    } while (0)

/* The socket's row in the other build's table, or NULL. */
static __always_inline void *before__sock_row(void *sk) {
    return weir_sock_at.present ? bpf_sk_storage_get(&weir_sock_before, sk, NULL, 0) : NULL;
}

static __always_inline void *before__udp_row(void *sk) {
    return weir_udp_at.present ? bpf_sk_storage_get(&weir_udp_sock_before, sk, NULL, 0) : NULL;
}

static __always_inline __u32 *before__phase(void *row) {
    return (__u32 *)((char *)row + weir_sock_at.phase);
}

static __always_inline __u32 before__on_other(const void *row) {
    return BEFORE_LOAD(__u32, row, weir_sock_at.on_other);
}

/* All but the phase, which both builds change in place. */
static __always_inline void before__copy_sock(void *row, struct weir_sock *copy) {
    BEFORE_COPY_STEERED(copy, row, weir_sock_at.steered);
    copy->on_other = before__on_other(row);
    copy->sent = BEFORE_LOAD(__u64, row, weir_sock_at.sent);
    copy->received = BEFORE_LOAD(__u64, row, weir_sock_at.received);
    copy->retransmits = BEFORE_LOAD(__u32, row, weir_sock_at.retransmits);
    copy->started_ns = BEFORE_LOAD(__u64, row, weir_sock_at.started_ns);
    copy->connect_us = BEFORE_LOAD(__u32, row, weir_sock_at.connect_us);
    copy->first_byte_us = BEFORE_LOAD(__u32, row, weir_sock_at.first_byte_us);
    copy->told = BEFORE_LOAD(__u32, row, weir_sock_at.told);
    copy->protocol = BEFORE_LOAD(__u32, row, weir_sock_at.protocol);
    copy->user_ms = BEFORE_LOAD(__u32, row, weir_sock_at.user_ms);
    copy->deadline = WEIR_DEADLINE_NONE; /* set as it ends, and read at once */
    copy->sampled = 0;                   /* it goes on uncounted in `left_out`, too */
    copy->asked = 0;
}

/* The socket's peer is not an endpoint any more. */
static __always_inline void before__forget_peer(void *sk) {
    char *row = before__sock_row(sk);
    if (row)
        *(__u16 *)(row + weir_sock_at.steered.endpoint_port) = 0;
}

#endif

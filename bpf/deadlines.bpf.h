/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Deadlines of a service's connections, as socket options that the kernel keeps by itself. Only
 * where the application has not set its own. TCP_USER_TIMEOUT bounds the handshake first, and then
 * unacknowledged data.
 */
#ifndef WEIR_DEADLINES_BPF_H
#define WEIR_DEADLINES_BPF_H

#include <bpf/bpf_core_read.h>

#include "core/connection.h"
#include "core/deadline.h"
#include "counters.bpf.h"
#include "kernel_types.bpf.h"
#include "settings.bpf.h"

/* An option of the socket; `ctx` is that of a connect or of sock_ops. */
static __always_inline __u32 deadlines__get(void *ctx, int level, int option) {
    __u32 value = 0;
    bpf_getsockopt(ctx, level, option, &value, sizeof(value));
    return value;
}

static __always_inline int deadlines__set(void *ctx, int level, int option, __u32 value) {
    int refused = bpf_setsockopt(ctx, level, option, &value, sizeof(value));
    if (refused)
        reason__count(WEIR_REASON_OPTION_REFUSED);
    return refused;
}

/* One of keepalive's numbers, `bit` of WEIR_KEEPS_*, unless the socket has one that is not weir's.
 * Returns what weir has set. */
static __always_inline __u32 deadlines__keep(void *ctx, int option, __u32 value, __u32 has,
                                             __u32 before, __u32 bit) {
    if (has && !(before & bit))
        return 0;
    return deadlines__set(ctx, SOL_TCP, option, value) ? 0 : bit;
}

/* An application that has SO_KEEPALIVE knows what it wants; one that has it from an earlier connect
 * does not. */
static __always_inline void deadlines__keep_alive(void *ctx, struct bpf_sock *sk,
                                                  struct weir_sock *sock,
                                                  const struct weir_svc_settings *settings) {
    __u32 before = sock->keeps_alive, wanted = settings && settings->keepalive_time_s;
    if (!wanted && !(before & WEIR_KEEPS_ALIVE))
        return;
    __u32 has = deadlines__get(ctx, SOL_SOCKET, SO_KEEPALIVE);
    sock->keeps_alive = before & ~WEIR_KEEPS_ALIVE;
    if (has && !(before & WEIR_KEEPS_ALIVE))
        return;
    if (!wanted) {
        if (has)
            deadlines__set(ctx, SOL_SOCKET, SO_KEEPALIVE, 0);
        return;
    }
    struct tcp_sock *tcp = (struct tcp_sock *)bpf_skc_to_tcp_sock(sk);
    __u32 kept = deadlines__keep(ctx, TCP_KEEPIDLE, settings->keepalive_time_s,
                                 tcp ? tcp->keepalive_time : 0, before, WEIR_KEEPS_TIME) |
                 deadlines__keep(ctx, TCP_KEEPINTVL, settings->keepalive_interval_s,
                                 tcp ? tcp->keepalive_intvl : 0, before, WEIR_KEEPS_INTERVAL) |
                 deadlines__keep(ctx, TCP_KEEPCNT, settings->keepalive_probes,
                                 tcp ? tcp->keepalive_probes : 0, before, WEIR_KEEPS_PROBES);
    if (!deadlines__set(ctx, SOL_SOCKET, SO_KEEPALIVE, 1))
        kept |= WEIR_KEEPS_ALIVE;
    sock->keeps_alive = kept;
}

/* Of a connect that is about to send its SYN; without settings it has none, and those of an earlier
 * connect of this socket go. `ctx`: of a connect or of sock_ops. A function of its own for its
 * stack. */
static __noinline int deadlines__begin(void *ctx, struct bpf_sock *sk, struct weir_sock *sock,
                                       const struct weir_svc_settings *settings) {
    __u32 before = sock->user_ms, wanted = settings ? settings->connect_ms : 0;
    sock->user_ms = 0;
    sock->deadline = WEIR_DEADLINE_NONE;
    deadlines__keep_alive(ctx, sk, sock, settings);
    if (!wanted && !before)
        return 0;
    __u32 set = deadlines__get(ctx, SOL_TCP, TCP_USER_TIMEOUT);
    if ((!set || set == before) && set != wanted &&
        !deadlines__set(ctx, SOL_TCP, TCP_USER_TIMEOUT, wanted))
        set = wanted;
    if (set == wanted)
        sock->user_ms = wanted;
    return 0;
}

/* When the first SYN is to be sent again, in ticks; 0: as the kernel has it. */
static __always_inline __u32 deadlines__syn_ticks(const struct weir_sock *sock) {
    const struct weir_svc_settings *settings =
        sock->user_ms ? service__settings(sock->edge.svc_port) : NULL;
    if (!settings || settings->connect_ms != sock->user_ms)
        return 0; /* changed meanwhile */
    return weir_syn_timeout_ticks(settings->connect_ms, weir_tick_ns);
}

/* TCP_USER_TIMEOUT, unless the application has set its own. */
static __always_inline void deadlines__set_user(struct bpf_sock_ops *ctx, struct weir_sock *sock,
                                                __u32 wanted) {
    if (wanted != sock->user_ms &&
        deadlines__get(ctx, SOL_TCP, TCP_USER_TIMEOUT) == sock->user_ms &&
        !deadlines__set(ctx, SOL_TCP, TCP_USER_TIMEOUT, wanted))
        sock->user_ms = wanted;
}

/* The handshake is complete: from now on it is data that is waited for. Where the endpoint's window
 * is closed the clock begins with the first probe. */
static __always_inline void deadlines__connected(struct bpf_sock_ops *ctx, struct weir_sock *sock,
                                                 const struct weir_svc_settings *settings) {
    if (!sock->user_ms && !settings->tcp_user_ms)
        return;
    __u32 passed_ms = WEIR_RTO_MIN_MS + (ctx->srtt_us >> 3) / 1000;
    deadlines__set_user(ctx, sock, weir_user_timeout_ms(settings->tcp_user_ms, passed_ms));
}

/* Data is about to be sent again by the retransmission timer, for the first time. */
static __always_inline void deadlines__resend(struct bpf_sock_ops *ctx, struct bpf_sock *sk,
                                              struct weir_sock *sock,
                                              const struct weir_svc_settings *settings,
                                              __u32 jiffies) {
    struct tcp_sock *tcp = (struct tcp_sock *)bpf_skc_to_tcp_sock(sk);
    if (!tcp || !sock->user_ms || !settings->tcp_user_ms)
        return;
    __u32 rto_ms = (__u64)jiffies * weir_tick_ns / WEIR_NS_PER_MS;
    int probed = ctx->packets_out == 1 && BPF_CORE_READ_BITFIELD(tcp, tlp_retrans);
    __u32 passed_ms = weir_first_timeout_ms(rto_ms, ctx->srtt_us >> 3, probed);
    deadlines__set_user(ctx, sock, weir_user_timeout_ms(settings->tcp_user_ms, passed_ms));
}

/* A connection that was in a phase ended by an error. An application may have set a timeout of its
 * own after its connect. */
static __always_inline void deadlines__count(struct weir_sock *sock, __u32 was, __u32 error,
                                             const struct inet_connection_sock *tcp) {
    if (error != WEIR_ETIMEDOUT)
        return;
    if (was == WEIR_PHASE_SYN_SENT) { /* its event is that it failed */
        if (sock->user_ms)
            reason__count(WEIR_REASON_CONNECT_DEADLINE);
    } else if (sock->keeps_alive & WEIR_KEEPS_ALIVE && tcp->icsk_probes_out) {
        sock->deadline = WEIR_DEADLINE_KEEPALIVE;
        reason__count(WEIR_REASON_KEEPALIVE_DEADLINE);
    } else if (sock->user_ms && sock->user_ms == tcp->icsk_user_timeout) {
        sock->deadline = WEIR_DEADLINE_USER;
        reason__count(WEIR_REASON_USER_DEADLINE);
    }
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Deadlines of a service's connections, as socket options that the kernel keeps by itself. Only
 * where the application has not set its own. TCP_USER_TIMEOUT bounds the handshake first, and then
 * unacknowledged data.
 */
#ifndef WEIR_DEADLINES_BPF_H
#define WEIR_DEADLINES_BPF_H

#include "core/connection.h"
#include "core/deadline.h"
#include "counters.bpf.h"
#include "settings.bpf.h"

/* include/uapi/asm-generic/socket.h and linux/tcp.h, which do not compile for -target bpf. */
#define SOL_SOCKET 1
#define SO_KEEPALIVE 9
#define SOL_TCP 6
#define TCP_KEEPIDLE 4
#define TCP_KEEPINTVL 5
#define TCP_KEEPCNT 6
#define TCP_USER_TIMEOUT 18

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

/* An application that has SO_KEEPALIVE knows what it wants. */
static __always_inline void deadlines__keep_alive(void *ctx,
                                                  const struct weir_svc_settings *settings) {
    if (!settings->keepalive_time_s || deadlines__get(ctx, SOL_SOCKET, SO_KEEPALIVE))
        return;
    deadlines__set(ctx, SOL_TCP, TCP_KEEPIDLE, settings->keepalive_time_s);
    deadlines__set(ctx, SOL_TCP, TCP_KEEPINTVL, settings->keepalive_interval_s);
    deadlines__set(ctx, SOL_TCP, TCP_KEEPCNT, settings->keepalive_probes);
    deadlines__set(ctx, SOL_SOCKET, SO_KEEPALIVE, 1);
}

/* Of a connect that is about to send its SYN. A function of its own for its stack. */
static __noinline int deadlines__begin(struct bpf_sock_addr *ctx, struct weir_sock *sock,
                                       const struct weir_svc_settings *settings) {
    __u32 before = sock->user_ms; /* of an earlier connect of this socket */
    __u32 wanted =
        settings->connect_ms ? settings->connect_ms : weir_user_timeout_ms(settings->tcp_user_ms);
    sock->user_ms = 0;
    sock->deadline = WEIR_DEADLINE_NONE;
    if (!settings->connect_ms && !settings->tcp_user_ms && !settings->keepalive_time_s && !before)
        return 0;
    __u32 set = deadlines__get(ctx, SOL_TCP, TCP_USER_TIMEOUT);
    if ((!set || set == before) && set != wanted &&
        !deadlines__set(ctx, SOL_TCP, TCP_USER_TIMEOUT, wanted))
        set = wanted;
    if (set == wanted)
        sock->user_ms = wanted;
    deadlines__keep_alive(ctx, settings);
    return 0;
}

/* The first SYN is about to be sent: when it is to be sent again, in ticks; 0: as the kernel has
 * it. */
static __always_inline __u32 deadlines__syn_ticks(const struct weir_sock *sock) {
    const struct weir_svc_settings *settings =
        sock->user_ms ? service__settings(sock->edge.svc_port) : NULL;
    if (!settings || settings->connect_ms != sock->user_ms)
        return 0;
    return weir_syn_timeout_ticks(settings->connect_ms, weir_tick_ns);
}

/* The handshake is complete: from now on it is data that is waited for. */
static __always_inline void deadlines__connected(struct bpf_sock_ops *ctx, struct weir_sock *sock,
                                                 const struct weir_svc_settings *settings) {
    if (!sock->user_ms)
        return;
    __u32 wanted = weir_user_timeout_ms(settings->tcp_user_ms);
    if (wanted == sock->user_ms || deadlines__get(ctx, SOL_TCP, TCP_USER_TIMEOUT) != sock->user_ms)
        return; /* the application has set its own meanwhile */
    if (!deadlines__set(ctx, SOL_TCP, TCP_USER_TIMEOUT, wanted))
        sock->user_ms = wanted;
}

/* A connection that was in a phase ended by an error. */
static __always_inline void deadlines__count(struct weir_sock *sock, __u32 was, __u32 error) {
    if (!sock->user_ms || error != WEIR_ETIMEDOUT)
        return;
    if (was == WEIR_PHASE_SYN_SENT) { /* an event of its own: it failed */
        reason__count(WEIR_REASON_CONNECT_DEADLINE);
        return;
    }
    sock->deadline = WEIR_DEADLINE_USER;
    reason__count(WEIR_REASON_USER_DEADLINE);
}

#endif

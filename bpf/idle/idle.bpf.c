/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * weir_idle: over the TCP sockets of one network namespace, run by the agent while a service has
 * timeouts.idle: ends connections on which no data has moved for so long, both ends being told. TCP
 * has no such timer. Needs bpf_sock_destroy (kernel 6.5), so it is an object of its own.
 */
#include "../maps.bpf.h"

#include <bpf/bpf_helpers.h>

#include "../core/connection.h"
#include "../core/idle.h"
#include "../counters.bpf.h"
#include "../kernel_types.bpf.h"
#include "../settings.bpf.h"

extern int bpf_sock_destroy(struct sock_common *sk) __ksym;

/* The connection, where it is weir's, open at both ends, and idle for longer than it may be. */
static __always_inline struct weir_sock *idle__overdue(struct tcp_sock *tcp) {
    struct weir_sock *sock = bpf_sk_storage_get(&weir_sock, tcp, NULL, 0);
    if (!sock || sock->phase != WEIR_PHASE_ESTABLISHED || weir_sock_is_observed(sock) ||
        ((struct sock *)tcp)->__sk_common.skc_state != WEIR_TCP_ESTABLISHED)
        return NULL;
    const struct weir_svc_settings *settings = service__settings(sock->edge.svc_port);
    __u32 ticks = weir_idle_ticks(bpf_jiffies64(), tcp->lsndtime,
                                  ((struct inet_connection_sock *)tcp)->icsk_ack.lrcvtime);
    return settings && weir_is_idle_for(ticks, weir_tick_ns, settings->idle_ms) ? sock : NULL;
}

SEC("iter/tcp")
int weir_idle(struct bpf_iter__tcp *ctx) {
    struct sock_common *common = ctx->sk_common;
    struct tcp_sock *tcp = common ? (struct tcp_sock *)bpf_skc_to_tcp_sock(common) : NULL;
    struct weir_sock *sock = tcp ? idle__overdue(tcp) : NULL;
    if (!sock)
        return 0;
    sock->deadline = WEIR_DEADLINE_IDLE; /* read as it ends, which is at once */
    if (!bpf_sock_destroy(common))
        reason__count(WEIR_REASON_IDLE_DEADLINE);
    return 0;
}

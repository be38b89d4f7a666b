/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * weir_sweep: over all sockets that weir steered, run by the agent every few seconds: what long
 * connections have moved becomes visible before they end. Finding one twice adds nothing.
 */
#include "../maps.bpf.h"

#include "../each_socket.bpf.h"
#include "../traffic.bpf.h"

static __always_inline int sweep_socket(struct sock *sk, struct bpf_iter_meta *meta) {
    /* Not ctx->value: 6.1 lets no key of a table be in it. */
    struct weir_sock *sock = bpf_sk_storage_get(&weir_sock, sk, NULL, 0);
    struct tcp_sock *tcp = sock ? (struct tcp_sock *)bpf_skc_to_tcp_sock(sk) : NULL;
    /* No row that is on its way from another build; and the last flush is the state change's. */
    if (!tcp || sock->phase == WEIR_PHASE_MOVING || !sock->started_ns)
        return 0;
    __u8 state = sk->__sk_common.skc_state;
    if (state != WEIR_TCP_CLOSE && state != WEIR_TCP_SYN_SENT)
        traffic__flush(sock, tcp);
    return 0;
}

WEIR_EACH_SOCKET(weir_sweep, sweep_socket)
WEIR_EACH_TCP_SOCKET(weir_sweep, sweep_socket)

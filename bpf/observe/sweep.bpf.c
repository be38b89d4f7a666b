/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * weir_sweep: an iterator over all sockets that weir steered, in all network namespaces, run by the
 * agent every few seconds: what long connections have moved becomes visible before they end.
 */
#include "../maps.bpf.h"

#include "../traffic.bpf.h"

SEC("iter/bpf_sk_storage_map")
int weir_sweep(struct bpf_iter__bpf_sk_storage_map *ctx) {
    struct sock *sk = ctx->sk;
    asm volatile("" : "+r"(sk)); /* read once: 6.1 remembers the check for that one only */
    /* Not ctx->value: 6.1 lets no key of a table be in it. */
    struct weir_sock *sock = sk ? bpf_sk_storage_get(&weir_sock, sk, NULL, 0) : NULL;
    struct tcp_sock *tcp = sock ? (struct tcp_sock *)bpf_skc_to_tcp_sock(sk) : NULL;
    /* No row that is on its way from another build; and the last flush is the state change's. */
    if (!tcp || sock->phase == WEIR_PHASE_MOVING || !sock->started_ns)
        return 0;
    __u8 state = sk->__sk_common.skc_state;
    if (state != WEIR_TCP_CLOSE && state != WEIR_TCP_SYN_SENT)
        traffic__flush(sock, tcp);
    return 0;
}

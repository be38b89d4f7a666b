/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tp_btf/inet_sk_error_report (kernel 5.14): a socket is told of an error. Of connected UDP
 * sockets: what ICMP says of their endpoint. The kernel tells unconnected ones nothing, unless they
 * ask. Changes nothing but weir's own rows.
 */
#include "../maps.bpf.h"

#include <linux/in.h>

#include "../health.bpf.h"
#include "../kernel_types.bpf.h"
#include "../socket.bpf.h"
#include "../udp_try.bpf.h"

/* Judged by the next datagram that goes there: tracing programs have no coarse clock (all kernels
 * up to 7.3), and what judges needs it. */
SEC("tp_btf/inet_sk_error_report")
int weir_udp_error(__u64 *ctx) {
    struct sock *sk = (struct sock *)ctx[0];
    __u32 said = weir_ask_bit_of(sk->sk_err);
    if (sk->sk_protocol != IPPROTO_UDP || !sk->sk_bpf_storage || !said)
        return 0;
    struct weir_sock copy;
    __u32 *phase;
    struct weir_sock *sock = socket__find(sk, &copy, &phase);
    if (!sock || *phase == WEIR_PHASE_DONE || weir_sock_is_observed(sock))
        return 0;
    struct weir_ep_state *state = health__row(&sock->edge);
    if (state && udp_try__speaks(state, sock->asked))
        __sync_fetch_and_or(&state->resets, said);
    return 0;
}

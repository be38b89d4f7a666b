/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A connect, or the first byte of its answer, that speaks for an endpoint which was ejected. Uses
 * no coarse clock: tracing programs have none (all kernels up to 7.3).
 */
#ifndef WEIR_HEARD_BPF_H
#define WEIR_HEARD_BPF_H

#include "endpoint_events.bpf.h"
#include "health.bpf.h"

/* Only connects begun after the ejection speak for it. */
static __always_inline void heard__restore(const struct weir_sock *sock,
                                           struct weir_ep_state *state) {
    if (sock->started_ns >= state->changed_ns && health__restore(state))
        event__of_endpoint(WEIR_EVENT_RESTORED, sock, 0);
}

/* A handshake with one that has reset what it had accepted (WEIR_UNTIL_*, core/health.h). Of its
 * tries, that is: while it is out for longer nobody should be there. */
static __always_inline void heard__accepted(const struct weir_sock *sock,
                                            struct weir_ep_state *state, __u32 base_ms) {
    __u64 until = *(volatile __u64 *)&state->ejected_until_ns;
    if (!until || sock->started_ns < state->changed_ns ||
        weir_is_out_for_long(until, bpf_ktime_get_ns(), base_ms))
        return;
    if (!(until & WEIR_UNTIL_HELD)) {
        __sync_val_compare_and_swap(&state->ejected_until_ns, until, until | WEIR_UNTIL_ACCEPTED);
        return;
    }
    state->resets = 0;
    heard__restore(sock, state);
}

/* Bytes came: it does not reset all that it accepts. */
static __always_inline void heard__bytes(const struct weir_sock *sock) {
    struct weir_ep_state *state = health__row(&sock->edge);
    if (!state || !state->resets)
        return;
    state->resets = 0;
    heard__restore(sock, state);
}

#endif

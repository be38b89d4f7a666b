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

/* Bytes came: it does not reset all that it accepts. */
static __always_inline void heard__bytes(const struct weir_sock *sock) {
    struct weir_ep_state *state = health__row(&sock->edge);
    if (!state || !state->resets)
        return;
    state->resets = 0;
    heard__restore(sock, state);
}

#endif

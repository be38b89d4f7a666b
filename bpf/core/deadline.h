/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a deadline for a TCP handshake becomes the kernel's timers. TCP_USER_TIMEOUT is looked at
 * when a retransmission is due, and each one but the first is put off to no later than its end
 * (tcp_clamp_rto_to_user_timeout, since 4.19): the first SYN has to be sent again well before.
 * Compiled for the kernel and natively; no maps, no context, no clock.
 */
#ifndef WEIR_CORE_DEADLINE_H
#define WEIR_CORE_DEADLINE_H

#include <linux/types.h>

#define WEIR_SYN_TIMEOUT_MS 1000u /* the kernel's own, RFC 6298 */
#define WEIR_SYN_TRIES 3          /* so often, at least, is a SYN sent within a deadline */

/* After how many ticks the first SYN is sent again; at least one. */
static inline __u32 weir_syn_timeout_ticks(__u32 connect_ms, __u32 tick_ns) {
    __u32 ms = connect_ms / WEIR_SYN_TRIES;
    if (ms > WEIR_SYN_TIMEOUT_MS)
        ms = WEIR_SYN_TIMEOUT_MS;
    __u32 ticks = (__u64)ms * 1000000 / tick_ns;
    return ticks ? ticks : 1;
}

/* The kernel's least time until data is sent again (TCP_RTO_MIN), beyond a round trip. */
#define WEIR_RTO_MIN_MS 200u

/*
 * How long data was under way when the retransmission timer, of `rto_ms`, runs out for the first
 * time. `probed`: it was one segment, and a tail loss probe has sent it again before; the timer
 * began anew with that (tcp_send_loss_probe; of several segments the first one's age counts).
 */
static inline __u32 weir_first_timeout_ms(__u32 rto_ms, __u32 rtt_us, int probed) {
    return rto_ms + (probed ? WEIR_RTO_MIN_MS + rtt_us / 500 : 0);
}

/*
 * The TCP_USER_TIMEOUT for data that may be unacknowledged for `tcp_user_ms` (1000 and more), when
 * it has been so for `passed_ms`: the kernel's clock for it begins only when the data is first sent
 * again by a timer. At least a fourth is left, for what takes so long to get there.
 */
static inline __u32 weir_user_timeout_ms(__u32 tcp_user_ms, __u32 passed_ms) {
    __u32 most_ms = tcp_user_ms - tcp_user_ms / 4;
    return tcp_user_ms - (passed_ms < most_ms ? passed_ms : most_ms);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How long a TCP connection has been idle, by the kernel's ticks (jiffies, their low half).
 * Compiled for the kernel and natively; no maps, no context, no clock.
 */
#ifndef WEIR_CORE_IDLE_H
#define WEIR_CORE_IDLE_H

#include <linux/types.h>

/* Ticks since data was last sent or received; either is at most half the clock's round ago: 24 days
 * at 1000 ticks a second. */
static inline __u32 weir_idle_ticks(__u32 now, __u32 sent, __u32 received) {
    __u32 since_sent = now - sent, since_received = now - received;
    return since_sent < since_received ? since_sent : since_received;
}

/* Whether that is as long as a connection may be idle; `idle_ms` 0: for ever. */
static inline int weir_is_idle_for(__u32 ticks, __u32 tick_ns, __u32 idle_ms) {
    return idle_ms && (__u64)ticks * tick_ns >= idle_ms * 1000000ull;
}

#endif

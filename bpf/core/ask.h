/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What an endpoint of a UDP service owes, in one word: when the first datagram went to it since the
 * last one came from it (30 bits, milliseconds: they go round in 12 days), and what ICMP has said
 * of it since (2 bits). Compiled for the kernel and natively; no maps, no context, no clock.
 */
#ifndef WEIR_CORE_ASK_H
#define WEIR_CORE_ASK_H

#include "../../maps/abi/edge.h"
#include "errno.h"

#define WEIR_ASK_REFUSED 1u
#define WEIR_ASK_UNREACHABLE 2u
#define WEIR_ASK_SAID (WEIR_ASK_REFUSED | WEIR_ASK_UNREACHABLE)
#define WEIR_ASK_MS_MASK 0x3fffffffu
/* So much "later" than now is another CPU that asked meanwhile. */
#define WEIR_ASK_SKEW_MS 1000u

/* The word of a datagram that is sent now; never 0. */
static inline __u32 weir_ask_at(__u64 now_ms) {
    __u32 word = (__u32)now_ms << 2;
    return word ? word : ~WEIR_ASK_SAID; /* a millisecond earlier */
}

/* A datagram has no answer yet. */
static inline int weir_ask_is_open(__u32 word) {
    return word >> 2 != 0;
}

/* How long ago an open one was sent. */
static inline __u32 weir_ask_waited_ms(__u32 word, __u64 now_ms) {
    __u32 waited_ms = ((__u32)now_ms - (word >> 2)) & WEIR_ASK_MS_MASK;
    return waited_ms > WEIR_ASK_MS_MASK - WEIR_ASK_SKEW_MS ? 0 : waited_ms;
}

/* When it was sent, within a millisecond and not later; now, where none is open. */
static inline __u64 weir_ask_sent_ns(__u32 word, __u64 now_ns) {
    __u64 now_ms = now_ns / 1000000;
    return weir_ask_is_open(word) ? (now_ms - weir_ask_waited_ms(word, now_ms)) * 1000000 : now_ns;
}

/* The bit for an errno (positive) that ICMP gives a socket; 0: it says nothing of the endpoint. */
static inline __u32 weir_ask_bit_of(int error) {
    switch (error) {
        case WEIR_ECONNREFUSED:
            return WEIR_ASK_REFUSED;
        case WEIR_EACCES: /* prohibited, by ICMPv6 */
        case WEIR_ENOPROTOOPT:
        case WEIR_ENETUNREACH:
        case WEIR_EHOSTDOWN:
        case WEIR_EHOSTUNREACH: /* prohibited, by ICMP; no host, where the socket asks */
            return WEIR_ASK_UNREACHABLE;
        default:
            return 0;
    }
}

/* WEIR_FAILURE_* of a word with such a bit. */
static inline __u32 weir_ask_failure(__u32 word) {
    return word & WEIR_ASK_REFUSED ? WEIR_FAILURE_REFUSED : WEIR_FAILURE_UNREACHABLE;
}

#endif

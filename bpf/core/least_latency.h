/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How long an endpoint takes to answer, as one number that follows its answers, and which of two
 * endpoints is the better choice. Peak-EWMA as in Finagle and Linkerd: a slower answer counts at
 * once, a quicker one by how long ago the last was; the cost of an endpoint is that number times
 * its open connections and one more, divided by its weight. Two are compared (Mitzenmacher, The
 * Power of Two Choices, IEEE TPDS 12(10), 2001). Compiled for the kernel and natively; no maps, no
 * context, no clock.
 */
#ifndef WEIR_CORE_LEAST_LATENCY_H
#define WEIR_CORE_LEAST_LATENCY_H

#include "../../maps/abi/state.h"

/*
 * weir_ep_state.latency_word, one word so that it is stored whole: the time in us in the high half,
 * when it was last known in ms in the low one. 0: nothing is known. GUESSED: only its handshakes
 * are known, which tell of the network and not of the service.
 */
#define WEIR_LATENCY_GUESSED 0x80000000u
#define WEIR_LATENCY_MOST_US ((1u << 22) - 1) /* 4.2 s: what is longer is as bad */

static inline __u64 weir_latency_word(__u32 us, __u32 guessed, __u32 at_ms) {
    return (__u64)((us ? us : 1) | guessed) << 32 | at_ms;
}

static inline __u32 weir_latency_us(__u64 word) {
    return (__u32)(word >> 32) & WEIR_LATENCY_MOST_US;
}

static inline int weir_latency_is_known(__u64 word) {
    return word && !(word >> 32 & WEIR_LATENCY_GUESSED);
}

/* What is left of the difference to an older answer: it halves with each of these. 0.7 s is a time
 * constant of a second. */
#define WEIR_LATENCY_HALF_MS 700u

/* 2^(-age / half), of 65536; between two halvings along a line, which is 6 % off at most. */
static inline __u32 weir_latency_left(__u32 age_ms) {
    __u32 halvings = age_ms / WEIR_LATENCY_HALF_MS;
    __u32 rest = age_ms % WEIR_LATENCY_HALF_MS;
    if (halvings > 16)
        return 0;
    return (65536u - rest * 32768u / WEIR_LATENCY_HALF_MS) >> halvings;
}

/* So much "later" than now is another CPU, or a finer clock. */
#define WEIR_LATENCY_SKEW_MS 1000u

/* How long ago that was. */
static inline __u32 weir_latency_age_ms(__u32 at_ms, __u32 now_ms) {
    __u32 age_ms = now_ms - at_ms;
    return age_ms > ~0u - WEIR_LATENCY_SKEW_MS ? 0 : age_ms;
}

/* The word after an answer that took `us`, or (GUESSED) a handshake: which says nothing where
 * answers are known. */
static inline __u64 weir_latency_after(__u64 word, __u64 us, __u32 guessed, __u32 now_ms) {
    if (us > WEIR_LATENCY_MOST_US)
        us = WEIR_LATENCY_MOST_US;
    if (guessed && weir_latency_is_known(word))
        return word;
    __u32 before = weir_latency_us(word),
          left = weir_latency_left(weir_latency_age_ms((__u32)word, now_ms));
    if (word && !guessed && !weir_latency_is_known(word))
        before = 0; /* the first answer */
    if (before > us)
        us += (__u64)(before - us) * left >> 16;
    return weir_latency_word(us, guessed, now_ms);
}

/* An endpoint as it is compared. */
struct weir_candidate {
    __u32 us;     /* 0 = nothing is known of it */
    __u32 known;  /* its answers are, not only its handshakes */
    __u32 active; /* connections it has */
    __u32 weight; /* above 0, below 2^26 */
};

#define WEIR_ACTIVE_MOST 0x7fffu /* more count as so many */

/* The same in one word: between functions that have little stack. Never 0. */
static inline __u64 weir_candidate_pack(struct weir_candidate c) {
    return c.us | (__u64)c.known << 22 | (__u64)c.active << 23 | (__u64)c.weight << 38;
}

static inline struct weir_candidate weir_candidate_unpack(__u64 word) {
    return (struct weir_candidate){(__u32)word & WEIR_LATENCY_MOST_US, (__u32)(word >> 22) & 1,
                                   (__u32)(word >> 23) & WEIR_ACTIVE_MOST, (__u32)(word >> 38)};
}

/*
 * Whether `a` is the better choice. Of equals `tie` decides. An endpoint of which no answer is
 * known yet, and which is being tried by somebody, counts as no quicker than the other: one that
 * accepts and never answers looks quick.
 */
static inline int weir_is_quicker(struct weir_candidate a, struct weir_candidate b, int tie) {
    __u32 us_a = a.us, us_b = b.us;
    if (!a.known && b.known && a.active && us_a < b.us)
        us_a = b.us;
    if (!b.known && a.known && b.active && us_b < a.us)
        us_b = a.us;
    __u64 active_a = a.active < WEIR_ACTIVE_MOST ? a.active : WEIR_ACTIVE_MOST;
    __u64 active_b = b.active < WEIR_ACTIVE_MOST ? b.active : WEIR_ACTIVE_MOST;
    __u64 cost_a = (us_a ? us_a : 1) * (active_a + 1) * b.weight;
    __u64 cost_b = (us_b ? us_b : 1) * (active_b + 1) * a.weight;
    return cost_a == cost_b ? tie : cost_a < cost_b;
}

/*
 * Whether the worse of two is tried in spite of it, since what is known of it is old: else an
 * endpoint that was slow once would never be asked again. Once in so long, and for no more than one
 * of so many connects, so that those who try do not make the slowest percent.
 */
#define WEIR_EXPLORE_MS 1000u
#define WEIR_EXPLORE_ONE_OF 128u

static inline int weir_is_worth_a_try(__u64 word, __u32 tried_ms, __u32 now_ms, __u32 random) {
    return weir_latency_age_ms((__u32)word, now_ms) >= WEIR_EXPLORE_MS &&
           weir_latency_age_ms(tried_ms, now_ms) >= WEIR_EXPLORE_MS &&
           random % WEIR_EXPLORE_ONE_OF == 0;
}

#endif

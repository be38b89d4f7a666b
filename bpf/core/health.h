/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Outlier detection, the decisions: whose fault a failed connect is, whether an endpoint is out,
 * and for how long. After Envoy's outlier detection, with the half-open state of a circuit breaker
 * (Nygard, Release It!, 2007). Compiled for the kernel and natively; no maps, no context, no clock.
 */
#ifndef WEIR_CORE_HEALTH_H
#define WEIR_CORE_HEALTH_H

#include "../../maps/abi/edge.h"

#define WEIR_HEALTH_IN 0
#define WEIR_HEALTH_OUT 1
#define WEIR_HEALTH_DUE 2 /* its time is over: one connect may try it */

/*
 * The clock by which endpoints are looked at: nanoseconds, whose lowest bit says that only those
 * that are out by hand are out, and the next one that this is for panic: too few are in. All due:
 * nobody is out. None due: everybody is who was ever ejected and has not come back.
 */
#define WEIR_HEALTH_BY_HAND 1ull
#define WEIR_HEALTH_PANIC 2ull
#define WEIR_HEALTH_MARKS (WEIR_HEALTH_BY_HAND | WEIR_HEALTH_PANIC)
#define WEIR_HEALTH_ALL_DUE ~0ull
#define WEIR_HEALTH_NONE_DUE 0ull

/* Outlier detection ejects where its service asks for it, unless it is off by hand on the node.
 * `held_until_ns`: of the service port. */
static inline __u64 weir_health_clock(__u32 eject_after, __u64 detection_off_ns,
                                      __u64 held_until_ns, __u64 now_ns) {
    now_ns &= ~WEIR_HEALTH_MARKS;
    if (eject_after && detection_off_ns <= now_ns)
        return now_ns;
    return held_until_ns > now_ns ? now_ns | WEIR_HEALTH_BY_HAND : WEIR_HEALTH_ALL_DUE;
}

/* The same where too few endpoints are in: outlier detection keeps nobody out. */
static inline __u64 weir_health_clock_of_panic(__u64 clock) {
    return clock | WEIR_HEALTH_MARKS;
}

static inline int weir_health_panics(__u64 clock) {
    return clock != WEIR_HEALTH_ALL_DUE && clock & WEIR_HEALTH_PANIC;
}

/* The clock for whoever takes the place of one that is out: none is tried for that. */
static inline __u64 weir_health_clock_of_others(__u64 clock) {
    return clock & WEIR_HEALTH_BY_HAND ? clock : WEIR_HEALTH_NONE_DUE;
}

/* weir_ep_state.ejected_until_ns and .held_until_ns, by such a clock. */
static inline __u32 weir_health_at(__u64 until_ns, __u64 held_until_ns, __u64 clock) {
    if (clock & WEIR_HEALTH_BY_HAND)
        return clock < held_until_ns ? WEIR_HEALTH_OUT : WEIR_HEALTH_IN;
    if (!until_ns)
        return WEIR_HEALTH_IN;
    return clock < until_ns ? WEIR_HEALTH_OUT : WEIR_HEALTH_DUE;
}

/* Whether a failure (WEIR_FAILURE_*) speaks against the endpoint. Not what this node could not do,
 * and not a caller's own impatience. */
static inline int weir_blames_endpoint(__u32 failure) {
    return failure == WEIR_FAILURE_REFUSED || failure == WEIR_FAILURE_TIMEOUT ||
           failure == WEIR_FAILURE_UNREACHABLE || failure == WEIR_FAILURE_RESET;
}

/* Whether it may as well be this node's own network that failed: then nobody is to blame unless
 * somebody else answered meanwhile. */
static inline int weir_may_be_own_fault(__u32 failure) {
    return failure == WEIR_FAILURE_TIMEOUT || failure == WEIR_FAILURE_UNREACHABLE;
}

/* Whether fewer of the endpoints are in than the panic threshold asks for; with none at all there
 * is nothing to use instead. */
static inline int weir_too_few_are_in(__u32 out, __u32 total, __u32 min_percent) {
    return (__u64)(total - out) * 100 < (__u64)total * min_percent;
}

/* Whether `out` of `total` endpoints may be ejected at once. */
static inline int weir_may_be_out(__u32 out, __u32 total, __u32 percent) {
    return (__u64)out * 100 <= (__u64)total * percent;
}

#define WEIR_NS_PER_MS 1000000ull

/*
 * The lowest bits of weir_ep_state.ejected_until_ns, of an endpoint that has reset what it had
 * accepted: a handshake alone does not bring it back, a byte does. Servers that never send one are
 * back when the connection of a try was not reset until that of the next one is accepted, too.
 */
#define WEIR_UNTIL_ACCEPTED 1ull /* a handshake was complete since the last try */
#define WEIR_UNTIL_HELD 2ull     /* … and the one before was not reset until this try */
#define WEIR_UNTIL_MARKS (WEIR_UNTIL_ACCEPTED | WEIR_UNTIL_HELD)

/* ejected_until_ns from a try on: the next one may when the base time has passed again. */
static inline __u64 weir_until_next_try(__u64 until_ns, __u64 clock, __u32 base_ms) {
    __u64 next = (clock + base_ms * WEIR_NS_PER_MS) & ~WEIR_UNTIL_MARKS;
    return until_ns & WEIR_UNTIL_ACCEPTED ? next | WEIR_UNTIL_HELD : next;
}

/* … when the try does not go there after all. */
static inline __u64 weir_until_given_back(__u64 until_ns, __u64 now_ns) {
    now_ns &= ~WEIR_UNTIL_MARKS;
    return until_ns & WEIR_UNTIL_HELD ? now_ns | WEIR_UNTIL_ACCEPTED : now_ns;
}

#define WEIR_EJECTIONS_MOST 10
#define WEIR_EJECTION_MOST_NS 300000000000ull

/* How long the ejection after so many in a row lasts: once more the base time for each, and up to
 * an eighth more by chance, so that the nodes of a cluster do not all try an endpoint at one
 * moment. */
static inline __u64 weir_ejection_ns(__u32 base_ms, __u32 before, __u32 random) {
    __u64 times = before < WEIR_EJECTIONS_MOST ? before + 1 : WEIR_EJECTIONS_MOST;
    __u64 ns = times * base_ms * WEIR_NS_PER_MS;
    if (ns > WEIR_EJECTION_MOST_NS)
        ns = WEIR_EJECTION_MOST_NS;
    return ns + (ns / 8 >> 16) * (random >> 16);
}

/* Where all are used, one that is out fails again and again: that tells nothing while it is out for
 * longer than a try would have it, by hand too. */
static inline int weir_is_out_for_long(__u64 until_ns, __u64 now_ns, __u32 base_ms) {
    return until_ns > now_ns + base_ms * WEIR_NS_PER_MS;
}

/* Whether a retransmission timeout of an open connection, after so many in a row, says that its
 * endpoint is silent: the first of them is lost packets' daily bread. */
static inline int weir_is_stall(__u32 timeouts_before) {
    return timeouts_before >= 1;
}

#define WEIR_STALL_SILENCE_MS 10000

/* Whether it is so long after the first of the failures that it is not in a row with them: those
 * who never connect never see it succeed, either. Milliseconds, low halves. */
static inline int weir_stall_stands_alone(__u32 failing_ms, __u32 now_ms) {
    return now_ms - failing_ms > WEIR_STALL_SILENCE_MS;
}

/* Ejections are in a row unless the endpoint was in for as long as the longest of them. */
static inline __u32 weir_ejections_in_a_row(__u32 ejections, __u64 in_for_ns, __u32 base_ms) {
    return in_for_ns >= WEIR_EJECTIONS_MOST * base_ms * WEIR_NS_PER_MS ? 0 : ejections;
}

#endif

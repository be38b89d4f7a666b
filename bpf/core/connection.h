/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The life of one connection: which phase follows which event, and how its end is counted. Events
 * may come in any order and twice (close() in SYN_SENT is seen by sock_release before the state
 * change), so an end is whoever exchanges the phase for DONE first. Compiled for the kernel and
 * natively; no maps, no context.
 */
#ifndef WEIR_CORE_CONNECTION_H
#define WEIR_CORE_CONNECTION_H

#include "../../maps/abi/state.h"
#include "addr.h"
#include "errno.h"

#define WEIR_EVENT_SYN 1         /* the kernel is about to send the first SYN */
#define WEIR_EVENT_ESTABLISHED 2 /* the handshake is complete */

/* States of include/net/tcp_states.h. */
#define WEIR_TCP_ESTABLISHED 1
#define WEIR_TCP_SYN_SENT 2
#define WEIR_TCP_FIN_WAIT1 4
#define WEIR_TCP_CLOSE 7
#define WEIR_TCP_CLOSE_WAIT 8

#define WEIR_END_NONE 0   /* counted before, or never counted */
#define WEIR_END_CLOSED 1 /* it had been established */
#define WEIR_END_FAILED 2 /* it had not, or was reset before a byte came */

/* Weir has left it alone: it goes where the application asked for, and says nothing of an endpoint.
 */
static inline int weir_sock_is_observed(const struct weir_sock *sock) {
    return sock->endpoint_port == sock->service_port &&
           weir_addr_equal(&sock->endpoint_addr, &sock->service_addr);
}

/* The phase from which an event moves a connection on; from any other it changes nothing. */
static inline __u32 weir_phase_before(__u32 event) {
    return event == WEIR_EVENT_SYN ? WEIR_PHASE_PICKED : WEIR_PHASE_SYN_SENT;
}

static inline __u32 weir_phase_after(__u32 event) {
    return event == WEIR_EVENT_SYN ? WEIR_PHASE_SYN_SENT : WEIR_PHASE_ESTABLISHED;
}

/* How the end of a connection that was in `phase` is counted. `error`: what the kernel would tell
 * the application, 0 when it was the application that ended it; `heard`: bytes came from its peer.
 */
static inline __u32 weir_end_of(__u32 phase, __u32 error, __u32 heard) {
    if (phase == WEIR_PHASE_ESTABLISHED)
        return error == WEIR_ECONNRESET && !heard ? WEIR_END_FAILED : WEIR_END_CLOSED;
    if (phase == WEIR_PHASE_PICKED || phase == WEIR_PHASE_SYN_SENT)
        return WEIR_END_FAILED;
    return WEIR_END_NONE;
}

#define WEIR_CUT_OFF_BY_NONE 0 /* both sides had closed it, or it died of silence */
#define WEIR_CUT_OFF_BY_CALLER 1
#define WEIR_CUT_OFF_BY_ENDPOINT 2

/* Who ended an established connection with a reset; `old_state`: what it was in before CLOSE. The
 * caller's kernel sends one where the application closes with data unread or SO_LINGER 0, and goes
 * to CLOSE straight from a state in which the caller had not closed; and where somebody destroys
 * the socket (ECONNABORTED). `closed`: the application has closed it before; what then comes is
 * answered with a reset by its own kernel, which says ECONNRESET too, and hurts nobody. */
static inline __u32 weir_cut_off_by(__u32 old_state, __u32 error, int closed) {
    if (error == WEIR_ECONNRESET || error == WEIR_EPIPE)
        return closed ? WEIR_CUT_OFF_BY_NONE : WEIR_CUT_OFF_BY_ENDPOINT;
    if (error == WEIR_ECONNABORTED)
        return WEIR_CUT_OFF_BY_CALLER;
    return !error && (old_state == WEIR_TCP_ESTABLISHED || old_state == WEIR_TCP_CLOSE_WAIT)
               ? WEIR_CUT_OFF_BY_CALLER
               : WEIR_CUT_OFF_BY_NONE;
}

/* Whether its caller closed it (which was counted before), shut it down or disconnected it, after a
 * SYN had to be sent again: the patience of callers is shorter than the kernel's, and this is what
 * most timeouts look like. `error`: as weir_end_of has it. */
static inline int weir_gave_up_on_silence(__u32 was, __u32 error, __u32 old_state,
                                          __u32 retransmits) {
    return (was == WEIR_PHASE_DONE || (was == WEIR_PHASE_SYN_SENT && !error)) &&
           old_state == WEIR_TCP_SYN_SENT && retransmits;
}

/* What the application is told of a connect that weir refuses. ECONNREFUSED for all that another
 * attempt, or another server, may cure: it is what clients know to retry. Not EAGAIN, which event
 * loops take for a connect in progress. */
static inline __u32 weir_errno_of(__u32 failure) {
    return failure == WEIR_FAILURE_NO_STORAGE ? WEIR_ENOBUFS : WEIR_ECONNREFUSED;
}

/* Why it failed. Errors are those of tcp_reset(), tcp_write_err() and of ICMP (icmp_err_convert,
 * icmpv6_err_convert: EACCES is "administratively prohibited" of IPv6). */
static inline __u32 weir_failure_of(__u32 phase, __u32 error) {
    if (phase == WEIR_PHASE_ESTABLISHED)
        return WEIR_FAILURE_RESET;
    if (phase == WEIR_PHASE_PICKED)
        return WEIR_FAILURE_LOCAL;
    switch (error) {
        case 0:
            return WEIR_FAILURE_ABANDONED;
        case WEIR_ECONNREFUSED:
            return WEIR_FAILURE_REFUSED;
        case WEIR_ETIMEDOUT:
            return WEIR_FAILURE_TIMEOUT;
        case WEIR_ENETUNREACH:
        case WEIR_EHOSTDOWN:
        case WEIR_EHOSTUNREACH:
        case WEIR_EACCES:
        case WEIR_ENOPROTOOPT:
            return WEIR_FAILURE_UNREACHABLE;
    }
    return WEIR_FAILURE_OTHER;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Steps 1 to 3 of connect.bpf.h behind the address table, for connects and datagrams alike: is the
 * service to be steered for this caller, and which endpoint is it.
 */
#ifndef WEIR_CHOOSE_BPF_H
#define WEIR_CHOOSE_BPF_H

#include "client.bpf.h"
#include "counters.bpf.h"
#include "identity.bpf.h"
#include "limits.bpf.h"
#include "mode.bpf.h"

/* Outcomes; below 0: refuse. */
#define WEIR_REFUSE(failure) (-1 - (failure)) /* for this WEIR_FAILURE_* */
#define WEIR_REFUSED_FOR(outcome) (-1 - (outcome))
#define WEIR_STEERED 1  /* the target was rewritten */
#define WEIR_PASS 2     /* not weir's business, or switched off */
#define WEIR_OBSERVED 3 /* counted, and left alone */

/* Who calls which service, and what was picked for it. */
struct connect_choice {
    struct weir_workload caller;
    struct service_view view;
    struct service_pick pick;
    int observed; /* counted, and left alone */
};

/* Counts it, whether it is refused or, where weir only observes, would be. The outcome. */
static __always_inline int choose__refuse(const struct connect_choice *choice, __u32 reason,
                                          __u32 failure) {
    reason__count(reason);
    edge__count_refused(choice->caller.id, choice->view.svc_port, choice->view.settings->born,
                        failure);
    return choice->observed ? WEIR_PASS : WEIR_REFUSE(failure); /* 3 */
}

/* Should it have been picked for a try: there is none. */
static __always_inline void choose__give_back(const struct connect_choice *choice) {
    if (choice->pick.healthy == HEALTHY_TRIES)
        health__give_back_try(choice->pick.endpoint_id);
}

/* 0 with a choice, or the outcome. */
static __always_inline int choose__endpoint(struct bpf_sock_addr *ctx, struct bpf_sock *sk,
                                            int is_v6, __u32 svc_port, __u32 reach,
                                            struct connect_choice *choice) {
    if (service__open(svc_port, reach, &choice->view)) {
        reason__count(WEIR_REASON_CORRUPT_ROW);
        return WEIR_REFUSE(WEIR_FAILURE_NO_ENDPOINT);
    }
    choice->caller = identity__of_current();
    __u32 mode = mode__of(&choice->view, choice->caller.mode);
    if (mode == WEIR_MODE_OFF) {
        reason__count(WEIR_REASON_OFF);
        return WEIR_PASS; /* 1 */
    }
    choice->observed = mode == WEIR_MODE_OBSERVE;
    if (!choice->observed &&
        limits__is_too_often(choice->caller.id, svc_port, choice->view.settings))
        return choose__refuse(choice, WEIR_REASON_RATE, WEIR_FAILURE_RATE);
    __u64 client = service__asks_for_client(&choice->view) ? client__key(ctx, sk, is_v6) : 0;
    service__pick(&choice->view, client, choice->caller.cohort, &choice->pick);
    if (choice->pick.endpoint && choice->observed) {
        choose__give_back(choice);
        choice->pick.healthy = HEALTHY_PICKED;
    }
    if (choice->pick.endpoint)
        return 0;
    return choose__refuse(
        choice, choice->pick.reason,
        choice->pick.reason == WEIR_REASON_LIMIT ? WEIR_FAILURE_LIMIT : WEIR_FAILURE_NO_ENDPOINT);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Steps 1 to 3 of connect.bpf.h behind the address table, for connects and datagrams alike: is the
 * service to be steered for this caller, and which endpoint is it.
 */
#ifndef WEIR_CHOOSE_BPF_H
#define WEIR_CHOOSE_BPF_H

#include "client.bpf.h"
#include "core/errno.h"
#include "counters.bpf.h"
#include "identity.bpf.h"
#include "mode.bpf.h"

/* Outcomes; below 0: refuse with this errno. */
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

/* 0 with a choice, or the outcome. */
static __always_inline int choose__endpoint(struct bpf_sock_addr *ctx, struct bpf_sock *sk,
                                            int is_v6, __u32 svc_port, __u32 reach,
                                            struct connect_choice *choice) {
    if (service__open(svc_port, reach, &choice->view)) {
        reason__count(WEIR_REASON_CORRUPT_ROW);
        return -WEIR_ECONNREFUSED;
    }
    choice->caller = identity__of_current();
    __u32 mode = mode__of(&choice->view, choice->caller.mode);
    if (mode == WEIR_MODE_OFF) {
        reason__count(WEIR_REASON_OFF);
        return WEIR_PASS; /* 1 */
    }
    choice->observed = mode == WEIR_MODE_OBSERVE;
    __u64 client = service__asks_for_client(&choice->view) ? client__key(ctx, sk, is_v6) : 0;
    service__pick(&choice->view, client, &choice->pick);
    if (choice->pick.endpoint)
        return 0;
    reason__count(choice->pick.reason);
    edge__count_refused(choice->caller.id, svc_port, choice->view.settings->born,
                        WEIR_FAILURE_NO_ENDPOINT);
    return choice->observed ? WEIR_PASS : -WEIR_ECONNREFUSED; /* 3 */
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counting connects that weir leaves alone since they go to no service: so that they are seen. */
#ifndef WEIR_UNMANAGED_BPF_H
#define WEIR_UNMANAGED_BPF_H

#include "core/destination.h"
#include "counters.bpf.h"
#include "identity.bpf.h"

/* A function of its own, so that a connect to a service does not pay for it. */
static __noinline int unmanaged__count(const struct weir_vip_key *target) {
    struct weir_unmanaged_key key = {identity__of_current().id,
                                     (__u16)weir_destination(&target->addr), target->proto, 0};
    struct weir_unmanaged *count = bpf_map_lookup_elem(&weir_unmanaged, &key);
    if (!count) {
        struct weir_unmanaged none = {};
        bpf_map_update_elem(&weir_unmanaged, &key, &none, BPF_NOEXIST);
        count = bpf_map_lookup_elem(&weir_unmanaged, &key);
    }
    if (count)
        __sync_fetch_and_add(&count->connects, 1);
    else
        reason__count(WEIR_REASON_UNMANAGED_FULL);
    return 0;
}

#endif

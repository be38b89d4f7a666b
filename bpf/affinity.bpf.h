/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which endpoint a client of a service with affinity had last. The table forgets whom it has not
 * seen for longest when it is full: such a client is given an endpoint anew.
 */
#ifndef WEIR_AFFINITY_BPF_H
#define WEIR_AFFINITY_BPF_H

#include "core/addr.h"
#include "maps.bpf.h"

#define WEIR_NS_PER_S 1000000000ull

#define AFFINITY_NONE ~0u

/* The client keeps this endpoint from now on. */
static __noinline int affinity__keep(__u32 svc_port, __u32 reach, __u64 client, __u32 endpoint,
                                     __u32 generation) {
    struct weir_affinity_key key = {client, svc_port, reach};
    struct weir_affinity kept = {endpoint, generation, bpf_ktime_get_coarse_ns()};
    return bpf_map_update_elem(&weir_affinity, &key, &kept, BPF_ANY);
}

/* The row that an endpoint has now, given one that it had. It has moved each time that its service
 * port outgrew its rows; what a row that is long free says of it may be another's by now. */
static __always_inline const struct weir_endpoint *affinity__row_now(
    const struct weir_endpoint *row, __u32 *id) {
#pragma unroll
    for (int i = 0; i < WEIR_ROWS_BEFORE_MOST && row && row->moved_to; i++) {
        const struct weir_endpoint *had = row;
        *id = had->moved_to - 1;
        row = bpf_map_lookup_elem(&weir_endpoint, id);
        if (row && (row->svc_port != had->svc_port || row->port != had->port ||
                    !weir_addr_equal(&row->addr, &had->addr)))
            return NULL;
    }
    return row;
}

/* The row of the endpoint that a client keeps, or AFFINITY_NONE: none is kept, it is too long ago,
 * or it does not take new connections. A function of its own, as affinity__keep, for its stack. */
static __noinline __u32 affinity__recall(__u32 svc_port, __u32 reach, __u64 client,
                                         __u32 affinity_s) {
    struct weir_affinity_key key = {client, svc_port, reach};
    struct weir_affinity *kept = bpf_map_lookup_elem(&weir_affinity, &key);
    if (!kept)
        return AFFINITY_NONE;
    __u32 id = kept->endpoint, generation = kept->generation;
    __u64 now_ns = bpf_ktime_get_coarse_ns(), used_ns = kept->used_ns;
    if (now_ns > used_ns && now_ns - used_ns >= affinity_s * WEIR_NS_PER_S)
        return AFFINITY_NONE;
    const struct weir_endpoint *row = bpf_map_lookup_elem(&weir_endpoint, &id);
    if (!row || row->svc_port != svc_port || row->generation != generation)
        return AFFINITY_NONE;
    const struct weir_endpoint *now = affinity__row_now(row, &id);
    if (!now || now->flags)
        return AFFINITY_NONE;
    if (now != row)
        affinity__keep(svc_port, reach, client, id, now->generation);
    else
        kept->used_ns = now_ns;
    return id;
}

#endif

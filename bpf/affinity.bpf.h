/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which endpoint a client of a service with affinity had last. The table forgets whom it has not
 * seen for longest when it is full: such a client is given an endpoint anew.
 */
#ifndef WEIR_AFFINITY_BPF_H
#define WEIR_AFFINITY_BPF_H

#include "maps.bpf.h"

#define WEIR_NS_PER_S 1000000000ull

/* NULL: none is kept, it is too long ago, or the endpoint does not take new connections. */
static __always_inline const struct weir_endpoint *affinity__recall(
    const struct weir_affinity_key *key, __u32 affinity_s, __u32 *endpoint_id) {
    struct weir_affinity *kept = bpf_map_lookup_elem(&weir_affinity, key);
    if (!kept)
        return NULL;
    __u32 id = kept->endpoint, generation = kept->generation;
    __u64 now_ns = bpf_ktime_get_coarse_ns(), used_ns = kept->used_ns;
    if (now_ns > used_ns && now_ns - used_ns >= affinity_s * WEIR_NS_PER_S)
        return NULL;
    const struct weir_endpoint *row = bpf_map_lookup_elem(&weir_endpoint, &id);
    if (!row || row->svc_port != key->svc_port || row->generation != generation || row->flags)
        return NULL;
    kept->used_ns = now_ns;
    *endpoint_id = id;
    return row;
}

static __always_inline void affinity__keep(const struct weir_affinity_key *key, __u32 endpoint_id,
                                           __u32 generation) {
    struct weir_affinity kept = {endpoint_id, generation, bpf_ktime_get_coarse_ns()};
    bpf_map_update_elem(&weir_affinity, key, &kept, BPF_ANY);
}

#endif

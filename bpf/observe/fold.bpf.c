/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * weir_fold: the agent runs it on an edge that no connect can reach and no socket holds any more.
 * Its counts go into the service port's `other`, and the edge goes: sums stay, room comes back, and
 * a killed agent leaves it done or not done. The key is the packet. Never attached anywhere.
 */
#include "../maps.bpf.h"

#include "../counters.bpf.h"

SEC("tc")
int weir_fold(struct __sk_buff *skb) {
    struct weir_edge_key key;
    if (bpf_skb_load_bytes(skb, 0, &key, sizeof(key)))
        return 1;
    struct weir_edge *edge = bpf_map_lookup_elem(&weir_edge, &key);
    struct weir_edge *other = edge__other(key.svc_port);
    if (!edge || !other)
        return 0;
    __sync_fetch_and_add(&other->opened, edge->opened);
    __sync_fetch_and_add(&other->closed, edge->closed);
    __sync_fetch_and_add(&other->failed, edge->failed);
    __sync_fetch_and_add(&other->untracked, edge->untracked);
    for (int i = 0; i < WEIR_FAILURES; i++)
        __sync_fetch_and_add(&other->failed_by[i], edge->failed_by[i]);
    bpf_map_delete_elem(&weir_edge, &key);
    return 0;
}

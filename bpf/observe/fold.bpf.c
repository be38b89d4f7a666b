/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * weir_fold: the agent runs it on an edge that no connect can reach and no socket holds any more.
 * Its counts go into the service port's `other`, its times into the row of its caller's endpoints
 * that left, and the edge goes: sums stay, room comes back, and a killed agent leaves it done or
 * not done. Never attached anywhere.
 */
#include "../maps.bpf.h"

#include "../latency.bpf.h"

static __always_inline void fold_counts(struct weir_edge *other, const struct weir_edge *edge) {
    __sync_fetch_and_add(&other->opened, edge->opened);
    __sync_fetch_and_add(&other->closed, edge->closed);
    __sync_fetch_and_add(&other->failed, edge->failed);
    __sync_fetch_and_add(&other->untracked, edge->untracked);
    for (int i = 0; i < WEIR_FAILURES; i++)
        __sync_fetch_and_add(&other->failed_by[i], edge->failed_by[i]);
    __sync_fetch_and_add(&other->bytes_sent, edge->bytes_sent);
    __sync_fetch_and_add(&other->bytes_received, edge->bytes_received);
    __sync_fetch_and_add(&other->retransmits, edge->retransmits);
    __sync_fetch_and_add(&other->resets_sent, edge->resets_sent);
    __sync_fetch_and_add(&other->resets_received, edge->resets_received);
}

static __always_inline void fold_histogram(struct weir_histogram *to,
                                           const struct weir_histogram *from) {
    __sync_fetch_and_add(&to->count, from->count);
    __sync_fetch_and_add(&to->sum_us, from->sum_us);
    for (int i = 0; i < WEIR_LATENCY_BUCKETS; i++)
        if (from->buckets[i])
            __sync_fetch_and_add(&to->buckets[i], from->buckets[i]);
}

/* Where there is no room for the row of those that left, the old one stays: no sum ever falls. */
static __always_inline void fold_latency(const struct weir_fold_request *request) {
    struct weir_edge_key key = {request->edge.workload, request->edge.svc_port, WEIR_NO_ENDPOINT,
                                request->born};
    struct weir_latency *from = bpf_map_lookup_elem(&weir_latency, &request->edge);
    struct weir_latency *to = from ? latency__find_or_make(&key) : NULL;
    if (!from || !to || from == to)
        return;
    for (int kind = 0; kind < WEIR_LATENCY_KINDS; kind++)
        fold_histogram(&to->of[kind], &from->of[kind]);
    __sync_fetch_and_add(&to->left_out, from->left_out);
    bpf_map_delete_elem(&weir_latency, &request->edge);
}

SEC("tc")
int weir_fold(struct __sk_buff *skb) {
    struct weir_fold_request request;
    if (bpf_skb_load_bytes(skb, 0, &request, sizeof(request)))
        return 1;
    fold_latency(&request);
    struct weir_edge *edge = bpf_map_lookup_elem(&weir_edge, &request.edge);
    struct weir_edge *other = edge__other(request.edge.svc_port);
    if (!edge || !other)
        return 0;
    fold_counts(other, edge);
    bpf_map_delete_elem(&weir_edge, &request.edge);
    return 0;
}

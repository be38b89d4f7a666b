/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * weir_fold: the agent runs it on an edge that no connect can reach and no socket holds any more.
 * Its counts and its times go to another one, as that of all endpoints that left, and the edge
 * goes: sums stay, room comes back, and a killed agent leaves it done or not done. Never attached
 * anywhere.
 */
#include "../maps.bpf.h"

#include "../latency.bpf.h"

/* What is folded, while it is in neither row. Only one agent runs this, on one CPU at a time. */
static struct weir_edge folded_edge;
static struct weir_latency folded_latency;

static __always_inline void fold_counts(struct weir_edge *to, const struct weir_edge *edge) {
    __sync_fetch_and_add(&to->opened, edge->opened);
    __sync_fetch_and_add(&to->closed, edge->closed);
    __sync_fetch_and_add(&to->failed, edge->failed);
    __sync_fetch_and_add(&to->untracked, edge->untracked);
    for (int i = 0; i < WEIR_FAILURES; i++)
        __sync_fetch_and_add(&to->failed_by[i], edge->failed_by[i]);
    __sync_fetch_and_add(&to->bytes_sent, edge->bytes_sent);
    __sync_fetch_and_add(&to->bytes_received, edge->bytes_received);
    __sync_fetch_and_add(&to->retransmits, edge->retransmits);
    __sync_fetch_and_add(&to->resets_sent, edge->resets_sent);
    __sync_fetch_and_add(&to->resets_received, edge->resets_received);
    __sync_fetch_and_add(&to->datagrams_sent, edge->datagrams_sent);
    __sync_fetch_and_add(&to->datagrams_received, edge->datagrams_received);
}

static __always_inline void fold_histogram(struct weir_histogram *to,
                                           const struct weir_histogram *from) {
    __sync_fetch_and_add(&to->count, from->count);
    __sync_fetch_and_add(&to->sum_us, from->sum_us);
    for (int i = 0; i < WEIR_LATENCY_BUCKETS; i++)
        if (from->buckets[i])
            __sync_fetch_and_add(&to->buckets[i], from->buckets[i]);
}

/* Word by word: a locked down kernel refuses bpf_probe_read_kernel, and clang's memcpy is no BPF.
 */
#define FOLD_COPY(to, from)                                \
    for (__u32 i = 0; i < sizeof(to) / sizeof(__u64); i++) \
    ((volatile __u64 *)&(to))[i] = ((const __u64 *)(from))[i]

#define FOLD_MAKE(table, key, fresh)                                         \
    ({                                                                       \
        bpf_map_update_elem(&table, key, (const void *)&fresh, BPF_NOEXIST); \
        bpf_map_lookup_elem(&table, key);                                    \
    })

/* In a full table the old row makes room for the other one; should somebody else be given it, the
 * times are lost, which is counted. */
static __always_inline void fold_latency(const struct weir_edge_key *key,
                                         const struct weir_edge_key *into) {
    struct weir_latency *from = bpf_map_lookup_elem(&weir_latency, key);
    if (!from)
        return;
    FOLD_COPY(folded_latency, from);
    struct weir_latency *to = FOLD_MAKE(weir_latency, into, weir_new_latency);
    bpf_map_delete_elem(&weir_latency, key);
    if (!to)
        to = latency__find_or_make(into);
    if (!to)
        return;
    for (int kind = 0; kind < WEIR_LATENCY_KINDS; kind++)
        fold_histogram(&to->of[kind], &folded_latency.of[kind]);
    __sync_fetch_and_add(&to->left_out, folded_latency.left_out);
}

/* As above; without room the counts go to `other`. */
static __always_inline void fold_edge(const struct weir_edge_key *key,
                                      const struct weir_edge_key *into) {
    struct weir_edge *from = bpf_map_lookup_elem(&weir_edge, key);
    if (!from)
        return;
    FOLD_COPY(folded_edge, from);
    __u32 on_other;
    struct weir_edge *to = FOLD_MAKE(weir_edge, into, weir_new_edge);
    bpf_map_delete_elem(&weir_edge, key);
    if (!to)
        to = edge__find_or_make(into, &on_other);
    if (to)
        fold_counts(to, &folded_edge);
}

SEC("tc")
int weir_fold(struct __sk_buff *skb) {
    struct weir_fold_request request;
    if (bpf_skb_load_bytes(skb, WEIR_REQUEST_AT, &request, sizeof(request)))
        return 1;
    fold_latency(&request.edge, &request.into);
    fold_edge(&request.edge, &request.into);
    return 0;
}

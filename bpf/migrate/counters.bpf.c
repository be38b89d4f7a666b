/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * weir_merge_*: adds a row of another build's counters to ours. The agent runs them row by row once
 * no program of the other build runs any more. Each counter is exchanged for 0 as it is added, so
 * that an agent that is killed in between leaves every count in one of the two tables.
 */
#include "../maps.bpf.h"

#include "../latency.bpf.h"
#include "../../maps/abi/before.h"

/* The sizes and layouts are the other build's; the loader sets them. */
WEIR_MAP(weir_edge_before, BPF_MAP_TYPE_HASH, 0, struct weir_edge_key, struct weir_edge, 1);
WEIR_MAP(weir_svc_state_before, BPF_MAP_TYPE_ARRAY, 0, __u32, struct weir_svc_state, 1);
WEIR_MAP(weir_ep_state_before, BPF_MAP_TYPE_ARRAY, 0, __u32, struct weir_ep_state, 1);
WEIR_MAP(weir_latency_before, BPF_MAP_TYPE_HASH, 0, struct weir_edge_key, struct weir_latency, 1);
WEIR_MAP(weir_unmanaged_before, BPF_MAP_TYPE_HASH, 0, struct weir_unmanaged_key,
         struct weir_unmanaged, 1);
WEIR_MAP(weir_reason_before, BPF_MAP_TYPE_PERCPU_ARRAY, 0, __u32, __u64, 1);

const volatile struct weir_before_counters weir_counters_at = {};

static __always_inline void merge__run(void *to, void *from, __u32 width, __u32 count) {
    for (__u32 i = 0; i < WEIR_BEFORE_RUN_MOST && i < count; i++) {
        if (width == sizeof(__u64))
            __sync_fetch_and_add((__u64 *)to + i, __sync_lock_test_and_set((__u64 *)from + i, 0));
        else
            __sync_fetch_and_add((__u32 *)to + i, __sync_lock_test_and_set((__u32 *)from + i, 0));
    }
}

#define MERGE(row, before, list)                                                                   \
    for (__u32 i = 0; i < WEIR_BEFORE_COUNTERS; i++) {                                             \
        const volatile struct weir_before_counter *run = &weir_counters_at.list[i];                \
        if (run->from == WEIR_NOWHERE)                                                             \
            break;                                                                                 \
        merge__run((char *)(row) + run->to, (char *)(before) + run->from, run->width, run->count); \
    }

static __always_inline int merge__request(struct __sk_buff *skb, struct weir_merge_request *to) {
    return bpf_skb_load_bytes(skb, WEIR_REQUEST_AT, to, sizeof(*to));
}

SEC("tc")
int weir_merge_edge(struct __sk_buff *skb) {
    struct weir_merge_request request;
    __u32 on_other;
    if (merge__request(skb, &request))
        return 1;
    void *before = bpf_map_lookup_elem(&weir_edge_before, &request.from);
    struct weir_edge *edge =
        edge__find_or_make((const struct weir_edge_key *)&request.to, &on_other);
    if (!before || !edge)
        return before ? 1 : 0;
    MERGE(edge, before, edge);
    bpf_map_delete_elem(&weir_edge_before, &request.from);
    return 0;
}

SEC("tc")
int weir_merge_latency(struct __sk_buff *skb) {
    struct weir_merge_request request;
    if (merge__request(skb, &request))
        return 1;
    void *before = bpf_map_lookup_elem(&weir_latency_before, &request.from);
    struct weir_latency *latency = latency__find_or_make((const struct weir_edge_key *)&request.to);
    if (!before)
        return 0;
    if (latency) /* without room its times are lost, which is counted; an upgrade goes on */
        MERGE(latency, before, latency);
    bpf_map_delete_elem(&weir_latency_before, &request.from);
    return 0;
}

SEC("tc")
int weir_merge_unmanaged(struct __sk_buff *skb) {
    struct weir_merge_request request;
    if (merge__request(skb, &request))
        return 1;
    void *before = bpf_map_lookup_elem(&weir_unmanaged_before, &request.from);
    const struct weir_unmanaged_key *key = (const struct weir_unmanaged_key *)&request.to;
    struct weir_unmanaged none = {};
    bpf_map_update_elem(&weir_unmanaged, key, &none, BPF_NOEXIST);
    struct weir_unmanaged *count = bpf_map_lookup_elem(&weir_unmanaged, key);
    if (!before)
        return 0;
    if (count)
        MERGE(count, before, unmanaged)
    else /* an upgrade goes on */
        reason__count(WEIR_REASON_UNMANAGED_FULL);
    bpf_map_delete_elem(&weir_unmanaged_before, &request.from);
    return 0;
}

SEC("tc")
int weir_merge_svc_state(struct __sk_buff *skb) {
    struct weir_merge_request request;
    if (merge__request(skb, &request))
        return 1;
    void *before = bpf_map_lookup_elem(&weir_svc_state_before, &request.from);
    struct weir_svc_state *state = bpf_map_lookup_elem(&weir_svc_state, &request.to);
    if (!before || !state)
        return 1;
    MERGE(state, before, svc_state);
    return 0;
}

SEC("tc")
int weir_merge_ep_state(struct __sk_buff *skb) {
    struct weir_merge_request request;
    if (merge__request(skb, &request))
        return 1;
    char *before = bpf_map_lookup_elem(&weir_ep_state_before, &request.from);
    struct weir_ep_state *state = bpf_map_lookup_elem(&weir_ep_state, &request.to);
    if (!before || !state)
        return 1;
    MERGE(state, before, ep_state);
    if (weir_counters_at.ep_generation != WEIR_NOWHERE && !state->generation)
        state->generation = *(__u32 *)(before + weir_counters_at.ep_generation);
    return 0;
}

SEC("tc")
int weir_merge_reason(struct __sk_buff *skb) {
    struct weir_merge_request request;
    if (merge__request(skb, &request))
        return 1;
    __u64 *before = bpf_map_lookup_percpu_elem(&weir_reason_before, &request.from, request.cpu);
    __u64 *count = bpf_map_lookup_elem(&weir_reason, &request.to);
    if (!before || !count)
        return 1;
    *count += __sync_lock_test_and_set(before, 0);
    return 0;
}

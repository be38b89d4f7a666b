/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * weir_resolve: the agent runs it once for each cgroup that was there before, parents first, and
 * again when the mesh's patterns change. The request is the packet. Never attached anywhere; a tc
 * program because syscall programs are sleepable and may not use an LPM trie.
 */
#include "../maps.bpf.h"

#include "../cgroup.bpf.h"

SEC("tc")
int weir_resolve(struct __sk_buff *skb) {
    struct {
        __u64 cgroup, parent;
    } ids;
    struct weir_cg_prefix prefix = {};
    if (bpf_skb_load_bytes(skb, WEIR_REQUEST_AT, &ids, sizeof(ids)) ||
        bpf_skb_load_bytes(skb, WEIR_REQUEST_AT + sizeof(ids), prefix.path, sizeof(prefix.path)))
        return 1;
    cgroup__assign(ids.cgroup, ids.parent, &prefix);
    return 0;
}

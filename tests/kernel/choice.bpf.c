/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Picks an endpoint of service port 0 for the client whose number is the packet, as a connect does,
 * and puts its row in the packet's place. The verifier of an old kernel must not have cut anything
 * out of the choice: only running it shows that.
 */
#include "../../bpf/maps.bpf.h"

#include "../../bpf/service.bpf.h"

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} chosen SEC(".maps");

SEC("tc")
int choose(struct __sk_buff* skb) {
    __u32 zero = 0, *row = bpf_map_lookup_elem(&chosen, &zero);
    __u64 client = 0;
    struct service_view view = {};
    struct service_pick pick = {};
    if (!row || bpf_skb_load_bytes(skb, 0, &client, sizeof(client)))
        return 1;
    if (!service__open(0, WEIR_REACH_BOTH, &view))
        service__pick(&view, client, (__u16)client, &pick);
    *row = pick.endpoint ? pick.endpoint_id : ~0u;
    return 0;
}

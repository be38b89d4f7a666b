/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The reader of the torn-row test: picks an endpoint of service port 0 as a connect does, and
 * checks that its address, its port and the generation that was published belong together. The
 * writer puts the low bits of the mesh generation into all three. A tc program: it runs under RCU,
 * as connect does.
 */
#include "../../bpf/maps.bpf.h"

#include <bpf/bpf_endian.h>

#include "../../bpf/service.bpf.h"

struct torn_result {
    __u64 picked, torn, missed;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct torn_result);
} torn_results SEC(".maps");

SEC("tc")
int check_pick(struct __sk_buff* skb) {
    __u32 zero = 0;
    struct torn_result* result = bpf_map_lookup_elem(&torn_results, &zero);
    if (!result)
        return 0;
    struct service_view view = {};
    struct service_pick pick = {};
    if (!service__open(0, WEIR_REACH_BOTH, &view))
        service__pick(&view, 0, 0, &pick);
    if (!pick.endpoint) {
        __sync_fetch_and_add(&result->missed, 1);
        return 0;
    }
    __u32 from_addr = bpf_ntohl(pick.endpoint->addr.w[3]) >> 8 & 0xffff;
    __u32 from_port = bpf_ntohs(pick.endpoint->port);
    __u32 from_word = (weir_published_decode(view.published).generation - 1) & 0x3fff;
    __sync_fetch_and_add(&result->picked, 1);
    if ((from_addr & 0x3fff) != from_word || (from_port & 0x3fff) != from_word)
        __sync_fetch_and_add(&result->torn, 1);
    return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Somebody else's sock_ops program, for test_life.py: asks for round-trip times, and counts them.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} foreign_rtts SEC(".maps");

SEC("sockops")
int foreign_ops(struct bpf_sock_ops* ctx) {
    __u32 zero = 0;
    __u64* count = bpf_map_lookup_elem(&foreign_rtts, &zero);
    if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
        bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_RTT_CB_FLAG);
    else if (ctx->op == BPF_SOCK_OPS_RTT_CB && count)
        __sync_fetch_and_add(count, 1);
    return 1;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who the calling client is (core/client.h). Only for process context. */
#ifndef WEIR_CLIENT_BPF_H
#define WEIR_CLIENT_BPF_H

#include "core/client.h"
#include "load.bpf.h"
#include "maps.bpf.h"

/* The address that a socket is bound to; any: it is not. */
static __always_inline struct weir_addr client__bound_addr(struct bpf_sock *sk, int is_v6) {
    if (is_v6)
        return (struct weir_addr){{WEIR_LOAD32(sk, src_ip6[0]), WEIR_LOAD32(sk, src_ip6[1]),
                                   WEIR_LOAD32(sk, src_ip6[2]), WEIR_LOAD32(sk, src_ip6[3])}};
    __u32 v4 = WEIR_LOAD32(sk, src_ip4);
    return v4 ? weir_addr_from_v4(v4) : (struct weir_addr){};
}

static __noinline __u64 client__key(struct bpf_sock_addr *ctx, struct bpf_sock *sk, int is_v6) {
    struct weir_addr bound = client__bound_addr(sk, is_v6);
    return weir_client_key(&bound, bpf_get_netns_cookie(ctx), bpf_get_netns_cookie(NULL),
                           bpf_get_current_cgroup_id());
}

#endif

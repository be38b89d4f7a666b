/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who a client is, for consistent hashing and affinity, as one number: the address that its socket
 * is bound to, else its network namespace (a pod), else, on the node's own network, its cgroup.
 * Compiled for the kernel and natively; no maps, no context.
 */
#ifndef WEIR_CORE_CLIENT_H
#define WEIR_CORE_CLIENT_H

#include "addr.h"
#include "consistent_hash.h"

static inline __u64 weir_client_key(const struct weir_addr *bound, __u64 netns, __u64 host_netns,
                                    __u64 cgroup) {
    if (!weir_addr_is_any(bound))
        return weir_hash_addr(bound);
    return netns != host_netns ? weir_mix64(netns) : weir_mix64(~cgroup);
}

#endif

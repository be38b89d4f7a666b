/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cgroup/sock_release: the application closed the socket. Counts the end, unless the state change
 * came first. The only event for a connect that failed before its first SYN (no route, no port).
 */
#include "../maps.bpf.h"

#include "../socket.bpf.h"

SEC("cgroup/sock_release")
int weir_release(struct bpf_sock *sk) {
    struct weir_sock *sock = bpf_sk_storage_get(&weir_sock, sk, NULL, 0);
    if (sock)
        socket__end(sock);
    return 1;
}

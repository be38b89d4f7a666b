/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cgroup/sock_release: the application closed the socket. Counts the end, unless the state change
 * came first. The only event for a connect that failed before its first SYN (no route, no port),
 * and for UDP.
 */
#include "../maps.bpf.h"

#include "../before_udp.bpf.h"

SEC("cgroup/sock_release")
int weir_release(struct bpf_sock *sk) {
    socket__finish_before(sk); /* first, as everywhere (before.bpf.h) */
    struct weir_sock *sock = bpf_sk_storage_get(&weir_sock, sk, NULL, 0);
    if (sock)
        socket__end_by_caller(sock, &sock->phase);
    if (sk->protocol != WEIR_PROTO_UDP)
        return 1;
    udp__end_before(sk);
    struct weir_udp_sock *datagrams = bpf_sk_storage_get(&weir_udp_sock, sk, NULL, 0);
    if (datagrams)
        udp__end_all(datagrams);
    return 1;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The few kernel structs that weir's programs look into, each with only the fields used; their
 * places are relocated at load time (CO-RE). Add a field here, never a generated vmlinux.h.
 */
#ifndef WEIR_KERNEL_TYPES_BPF_H
#define WEIR_KERNEL_TYPES_BPF_H

#include <linux/types.h>

/* Socket options: include/uapi/asm-generic/socket.h and linux/tcp.h, which do not compile for
 * -target bpf. */
#define SOL_SOCKET 1
#define SO_KEEPALIVE 9
#define SOL_TCP 6
#define TCP_KEEPIDLE 4
#define TCP_KEEPINTVL 5
#define TCP_KEEPCNT 6
#define TCP_USER_TIMEOUT 18

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sock_common {
    volatile unsigned char skc_state;
    unsigned char skc_ipv6only : 1;
    unsigned long skc_flags;
};

struct sock {
    struct sock_common __sk_common;
    int sk_err;
    __u16 sk_protocol;
    void *sk_bpf_storage;
};

enum sock_flags {
    SOCK_DEAD = 0, /* the application has closed it */
    SOCK_DONE = 1, /* the peer's FIN was received */
};

struct minmax_sample {
    __u32 v;
};

struct minmax {
    struct minmax_sample s[3];
};

struct tcp_sock {
    __u32 snd_nxt;
    __u32 rcv_nxt;
    __u32 srtt_us;         /* in eighths; delayed acknowledgements are in it */
    struct minmax rtt_min; /* us, of the last minutes */
    __u32 total_retrans;
    __u64 bytes_sent; /* payload, and again what was sent again */
    __u64 bytes_retrans;
    __u64 bytes_received; /* payload, and 1 for a FIN */
    __u64 tcp_wstamp_ns;  /* when the last segment left, or will leave where it is paced */
    __u32 lsndtime;       /* ticks: when data was last sent */
    __u32 keepalive_time; /* ticks; this and the next two: 0 = the application has not set it */
    __u32 keepalive_intvl;
    __u8 keepalive_probes;
    __u8 tlp_retrans : 1; /* the last tail loss probe was data sent again */
};

struct inet_connection_sock {
    __u32 icsk_user_timeout; /* ms; 0 = none */
    __u8 icsk_probes_out;    /* without an answer */
    struct {
        __u32 lrcvtime; /* ticks: when data was last received */
    } icsk_ack;
};

struct sk_buff {
    char cb[48];
};

struct tcp_skb_cb {
    __u32 seq;
    __u32 end_seq; /* a FIN counts as 1 */
    __u8 tcp_flags;
    __u32 ack_seq;
};

struct bpf_iter_meta {
    struct seq_file *seq;
};

struct bpf_iter__bpf_sk_storage_map {
    struct bpf_iter_meta *meta;
    struct sock *sk;
    void *value;
};

struct bpf_iter__tcp {
    struct bpf_iter_meta *meta;
    struct sock_common *sk_common;
};

struct bpf_iter__udp {
    struct bpf_iter_meta *meta;
    struct udp_sock *udp_sk;
};

struct kernfs_node {
    __u64 id;
};

struct cgroup;

struct cgroup_subsys_state {
    struct cgroup *cgroup;
    struct cgroup_subsys_state *parent;
};

struct cgroup_root {
    int hierarchy_id;
};

struct cgroup {
    struct cgroup_subsys_state self;
    struct kernfs_node *kn;
    struct cgroup_root *root;
};

#pragma clang attribute pop

#endif

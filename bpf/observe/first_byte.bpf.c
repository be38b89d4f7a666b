/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tp_btf/tcp_probe: each segment that an established socket receives. On sampled connections, the
 * time from the last byte sent to the first byte of the answer; whatever the protocol, encrypted or
 * not, since nothing is parsed; and that an endpoint which reset what it accepted has answered.
 * Reads the socket, changes nothing but weir's own rows.
 */
#include "../maps.bpf.h"

#include "../answer_time.bpf.h"
#include "../core/connection.h"
#include "../heard.bpf.h"
#include "../kernel_types.bpf.h"
#include "../latency.bpf.h"

#define TCP_FLAG_FIN 1

static __always_inline struct weir_segment segment__read(struct tcp_sock *tcp, struct sk_buff *skb,
                                                         const struct weir_sock *sock) {
    struct tcp_skb_cb *control = (struct tcp_skb_cb *)skb->cb;
    return (struct weir_segment){.end = control->end_seq - (control->tcp_flags & TCP_FLAG_FIN),
                                 .ack = control->ack_seq,
                                 .rcv_nxt = tcp->rcv_nxt,
                                 .snd_nxt = tcp->snd_nxt,
                                 .asked = sock->asked,
                                 .rtt_us = tcp->rtt_min.s[0].v,
                                 .heard_ns = sock->heard_ns};
}

static __always_inline void count_left_out(const struct weir_sock *sock) {
    struct weir_latency *latency = latency__find_or_make(&sock->edge);
    if (latency)
        __sync_fetch_and_add(&latency->left_out, 1);
}

static __always_inline void count_answer(struct weir_sock *sock, __s64 ns, __u64 now_ns) {
    /* Below 0: the kernel had planned to send it later, and did not wait. */
    __u64 us = ns > 0 ? (__u64)ns / 1000 : 0;
    struct weir_latency *latency = latency__find_or_make(&sock->edge);
    if (latency)
        histogram__add(&latency->of[WEIR_LATENCY_FIRST_BYTE], us);
    if (us > sock->first_byte_us)
        sock->first_byte_us = us;
    struct weir_ep_state *state = weir_sock_is_observed(sock) ? NULL : health__row(&sock->edge);
    if (state)
        answer_time__add(state, us, 0, now_ns);
}

/* The socket is locked. */
static __always_inline void segment__take(struct weir_sock *sock, struct tcp_sock *tcp,
                                          struct sk_buff *skb) {
    struct weir_segment segment = segment__read(tcp, skb, sock);
    if (!weir_segment_is_new(&segment))
        return; /* most are mere acknowledgements: they need no clock */
    segment.now_ns = bpf_ktime_get_ns();
    __u32 is = weir_segment_is(&segment);
    if (!sock->heard_ns && !weir_sock_is_observed(sock))
        heard__bytes(sock);
    sock->heard_ns = segment.now_ns;
    sock->sampled = weir_sampled_after(sock->sampled, is);
    if (!sock->sampled)
        count_left_out(sock);
    if (is != WEIR_SEGMENT_ANSWER)
        return;
    sock->asked = segment.snd_nxt;
    count_answer(sock, (__s64)(segment.now_ns - tcp->tcp_wstamp_ns), segment.now_ns);
}

SEC("tp_btf/tcp_probe")
int weir_first_byte(__u64 *ctx) {
    struct sock *sk = (struct sock *)ctx[0];
    struct sk_buff *skb = (struct sk_buff *)ctx[1];
    if (!sk->sk_bpf_storage)
        return 0;
    struct weir_sock *sock = bpf_sk_storage_get(&weir_sock, sk, NULL, 0);
    if (!sock || !sock->sampled || sock->on_other)
        return 0;
    struct tcp_sock *tcp = (struct tcp_sock *)bpf_skc_to_tcp_sock(sk);
    if (tcp)
        segment__take(sock, tcp, skb);
    return 0;
}

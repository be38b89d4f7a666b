/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every map and every setting of weir's programs, once. The loader sizes the tables, pins them, and
 * hands the same ones to every feature's object. No code belongs here.
 */
#ifndef WEIR_MAPS_BPF_H
#define WEIR_MAPS_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "../maps/abi/edge.h"
#include "../maps/abi/event.h"
#include "../maps/abi/latency.h"
#include "../maps/abi/node.h"
#include "../maps/abi/service.h"
#include "../maps/abi/state.h"
#include "../maps/abi/udp.h"
#include "../maps/abi/unmanaged.h"
#include "../maps/abi/workload.h"

char LICENSE[] SEC("license") __attribute__((weak)) = "Dual BSD/GPL";

#define WEIR_MAP(name, map_type, flags, key_type, value_type, entries) \
    struct {                                                           \
        __uint(type, map_type);                                        \
        __uint(map_flags, flags);                                      \
        __uint(max_entries, entries);                                  \
        __type(key, key_type);                                         \
        __type(value, value_type);                                     \
    } name SEC(".maps") __attribute__((weak))

/* Written by user space. The sizes are the loader's; 1 stands for "set before load". */
WEIR_MAP(weir_vip, BPF_MAP_TYPE_HASH, 0, struct weir_vip_key, struct weir_vip, 1);
WEIR_MAP(weir_vip_filter, BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE, __u32, __u64, WEIR_VIP_FILTER_WORDS);
WEIR_MAP(weir_svc_port, BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE, __u32, struct weir_svc_port, 1);
WEIR_MAP(weir_slot, BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE, __u32, __u64, 1);
WEIR_MAP(weir_endpoint, BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE, __u32, struct weir_endpoint, 1);
WEIR_MAP(weir_node, BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE, __u32, struct weir_node, 1);
WEIR_MAP(weir_cg_prefix, BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC, struct weir_cg_prefix,
         struct weir_workload, 1);

/* Written by the kernel. */
WEIR_MAP(weir_ep_state, BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE, __u32, struct weir_ep_state, 1);
WEIR_MAP(weir_svc_state, BPF_MAP_TYPE_ARRAY, 0, __u32, struct weir_svc_state, 1);
WEIR_MAP(weir_edge, BPF_MAP_TYPE_HASH, 0, struct weir_edge_key, struct weir_edge, 1);
WEIR_MAP(weir_latency, BPF_MAP_TYPE_HASH, 0, struct weir_edge_key, struct weir_latency, 1);
WEIR_MAP(weir_cgroup, BPF_MAP_TYPE_HASH, 0, __u64, struct weir_workload, 1);
WEIR_MAP(weir_affinity, BPF_MAP_TYPE_LRU_HASH, 0, struct weir_affinity_key, struct weir_affinity,
         1);
WEIR_MAP(weir_udp_spill, BPF_MAP_TYPE_LRU_HASH, 0, struct weir_udp_spill_key, struct weir_udp_flow,
         1);
WEIR_MAP(weir_answered, BPF_MAP_TYPE_LRU_HASH, 0, struct weir_answered_key, struct weir_answered,
         WEIR_ANSWERED_ROWS);
WEIR_MAP(weir_rate, BPF_MAP_TYPE_LRU_HASH, 0, struct weir_rate_key, struct weir_rate,
         WEIR_RATE_ROWS);
WEIR_MAP(weir_unmanaged, BPF_MAP_TYPE_HASH, 0, struct weir_unmanaged_key, struct weir_unmanaged,
         WEIR_UNMANAGED_ROWS);
WEIR_MAP(weir_reason, BPF_MAP_TYPE_PERCPU_ARRAY, 0, __u32, __u64, WEIR_REASON_COUNT);
WEIR_MAP(weir_produced, BPF_MAP_TYPE_PERCPU_ARRAY, 0, __u32, __u64, 1); /* events */

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, WEIR_EVENT_RING_BYTES);
} weir_events SEC(".maps") __attribute__((weak));

/* Lives and ends with its socket. */
#define WEIR_SOCKET_MAP(name, value_type)      \
    struct {                                   \
        __uint(type, BPF_MAP_TYPE_SK_STORAGE); \
        __uint(map_flags, BPF_F_NO_PREALLOC);  \
        __type(key, int);                      \
        __type(value, value_type);             \
    } name SEC(".maps") __attribute__((weak))

WEIR_SOCKET_MAP(weir_sock, struct weir_sock);
WEIR_SOCKET_MAP(weir_udp_sock, struct weir_udp_sock);

/* Settings; the loader sets them before load. An unconnected UDP socket keeps its endpoint of a
 * service until it was not used for so long. */
const volatile __u64 weir_udp_idle_ns __attribute__((weak)) = 30000000000ull;

/* One of so many connections is sampled for the first bytes of its answers; 0 = none. */
const volatile __u32 weir_first_byte_every __attribute__((weak)) = 0;

/* One of so many connections is told of in the ring of events; 0 = none, and no failure either. */
const volatile __u32 weir_events_every __attribute__((weak)) = 0;
/* At most so many events per service port and second. */
const volatile __u32 weir_events_per_second __attribute__((weak)) = 0;
/* A connection whose handshake or longest answer took so long is told of in any case; 0 = none. */
const volatile __u32 weir_slow_us __attribute__((weak)) = 0;

/* How long one tick of the kernel's timers is. */
const volatile __u32 weir_tick_ns __attribute__((weak)) = 4000000;

/* 1: connects that go to no service are counted. */
const volatile __u32 weir_counts_unmanaged __attribute__((weak)) = 0;

/* 1: `edge` is another table than that of the programs before these. */
const volatile __u32 weir_edges_are_new __attribute__((weak)) = 0;

#endif

// SPDX-License-Identifier: Apache-2.0
// Every hook of weir's programs, once: what is attached where, and in which order. Identity before
// steer, so that workloads are known; what only reads or releases before what starts connections.
// Removal is the reverse.
#pragma once

#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace weir {

struct Hook {
    enum class Kind { kCgroup, kTracing };
    const char* feature;
    const char* program;  // its name, and its link's pin
    Kind kind;
    bpf_attach_type type;
    enum class For { kAlways, kFirstByte, kDatagrams };
    For what = For::kAlways;  // else: only where that is asked for
};

inline constexpr std::array<Hook, 16> kHooks{{
    {"identity", "weir_mkdir", Hook::Kind::kTracing, BPF_TRACE_RAW_TP},
    {"identity", "weir_rmdir", Hook::Kind::kTracing, BPF_TRACE_RAW_TP},
    {"steer", "weir_release", Hook::Kind::kCgroup, BPF_CGROUP_INET_SOCK_RELEASE},
    {"steer", "weir_sockops", Hook::Kind::kCgroup, BPF_CGROUP_SOCK_OPS},
    {"steer", "weir_peer4", Hook::Kind::kCgroup, BPF_CGROUP_INET4_GETPEERNAME},
    {"steer", "weir_peer6", Hook::Kind::kCgroup, BPF_CGROUP_INET6_GETPEERNAME},
    {"steer", "weir_recvmsg4", Hook::Kind::kCgroup, BPF_CGROUP_UDP4_RECVMSG},
    {"steer", "weir_recvmsg6", Hook::Kind::kCgroup, BPF_CGROUP_UDP6_RECVMSG},
    {"steer", "weir_sendmsg4", Hook::Kind::kCgroup, BPF_CGROUP_UDP4_SENDMSG},
    {"steer", "weir_sendmsg6", Hook::Kind::kCgroup, BPF_CGROUP_UDP6_SENDMSG},
    {"observe", "weir_first_byte", Hook::Kind::kTracing, BPF_TRACE_RAW_TP, Hook::For::kFirstByte},
    {"observe", "weir_udp_error", Hook::Kind::kTracing, BPF_TRACE_RAW_TP, Hook::For::kDatagrams},
    {"observe", "weir_egress", Hook::Kind::kCgroup, BPF_CGROUP_INET_EGRESS, Hook::For::kDatagrams},
    {"observe", "weir_ingress", Hook::Kind::kCgroup, BPF_CGROUP_INET_INGRESS,
     Hook::For::kDatagrams},
    {"steer", "weir_connect4", Hook::Kind::kCgroup, BPF_CGROUP_INET4_CONNECT},
    {"steer", "weir_connect6", Hook::Kind::kCgroup, BPF_CGROUP_INET6_CONNECT},
}};

// Tracing links belong to no cgroup.
inline bool is_tracing_hook(std::string_view program) {
    return std::any_of(kHooks.begin(), kHooks.end(), [&](const Hook& hook) {
        return hook.kind == Hook::Kind::kTracing && hook.program == program;
    });
}

}  // namespace weir

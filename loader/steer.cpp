// SPDX-License-Identifier: Apache-2.0
// The feature "steer": its skeleton, and the order in which its programs are attached and updated:
// what only reads or releases first, what starts connections last. Removal is the reverse.
#include <steer.skel.h>

#include "loader/object.h"

namespace weir {

Result<Object> open_steer() {
    steer_bpf* skeleton = steer_bpf::open();
    if (skeleton == nullptr)
        return fail_errno("cannot open the programs of \"steer\"", errno);
    using Kind = Hook::Kind;
    return Object("steer",
                  {skeleton, [](void* s) { steer_bpf::destroy(static_cast<steer_bpf*>(s)); }},
                  skeleton->obj,
                  {{"weir_release", Kind::kCgroup, BPF_CGROUP_INET_SOCK_RELEASE},
                   {"weir_sockops", Kind::kCgroup, BPF_CGROUP_SOCK_OPS},
                   {"weir_peer4", Kind::kCgroup, BPF_CGROUP_INET4_GETPEERNAME},
                   {"weir_peer6", Kind::kCgroup, BPF_CGROUP_INET6_GETPEERNAME},
                   {"weir_connect4", Kind::kCgroup, BPF_CGROUP_INET4_CONNECT},
                   {"weir_connect6", Kind::kCgroup, BPF_CGROUP_INET6_CONNECT}});
}

}  // namespace weir

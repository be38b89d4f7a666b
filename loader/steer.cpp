// SPDX-License-Identifier: Apache-2.0
// The feature "steer": its skeleton. Where its programs are attached, and in which order, is in
// hooks.h.
#include "maps/abi/before.h"  // the skeleton names its structs

#include <steer.skel.h>

#include <algorithm>
#include <cstdint>

#include "loader/before.h"
#include "loader/object.h"
#include "maps/clock.h"

namespace weir {

Result<Object> open_steer(const ProgramSettings& settings, const Before* before) {
    steer_bpf* skeleton = steer_bpf::open();
    if (skeleton == nullptr)
        return fail_errno("cannot open the programs of \"steer\"", errno);
    skeleton->rodata->weir_udp_idle_ns = settings.udp_idle_ns;
    skeleton->rodata->weir_tick_ns = tick_ns();
    skeleton->rodata->weir_first_byte_every = settings.first_byte_every;
    skeleton->rodata->weir_counts_unmanaged = settings.counts_unmanaged;
    skeleton->rodata->weir_events_every = settings.events_every;
    skeleton->rodata->weir_events_per_second = settings.events_per_second;
    skeleton->rodata->weir_slow_us =
        static_cast<__u32>(std::min<std::uint64_t>(settings.slow_ns / 1000, UINT32_MAX));
    if (before != nullptr) {
        skeleton->rodata->weir_sock_at = before->sock();
        skeleton->rodata->weir_udp_at = before->udp();
        skeleton->rodata->weir_edges_are_new = before->changed("weir_edge") ? 1 : 0;
    }
    return Object("steer",
                  {skeleton, [](void* s) { steer_bpf::destroy(static_cast<steer_bpf*>(s)); }},
                  skeleton->obj);
}

}  // namespace weir

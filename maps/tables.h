// SPDX-License-Identifier: Apache-2.0
// All of weir's tables, typed, as found in a pin directory. Reads and writes rows; knows no order:
// that is userspace/model's business.
#pragma once

#include <string>
#include <vector>

#include "maps/abi/edge.h"
#include "maps/abi/event.h"
#include "maps/abi/latency.h"
#include "maps/abi/node.h"
#include "maps/abi/service.h"
#include "maps/abi/state.h"
#include "maps/abi/udp.h"
#include "maps/abi/unmanaged.h"
#include "maps/abi/workload.h"
#include "maps/bpf_map.h"
#include "maps/mmap_array.h"

namespace weir {

enum class Access { kRead, kWrite };

struct Tables {
    // Written by user space.
    BpfMap<weir_vip_key, weir_vip> vip;
    MmapArray<__u64> vip_filter;
    MmapArray<weir_svc_port> svc_port;
    MmapArray<std::uint64_t> slot;
    MmapArray<weir_endpoint> endpoint;
    MmapArray<weir_node> node;
    BpfMap<weir_cg_prefix, weir_workload> cg_prefix;
    // Written by the kernel.
    BpfMap<std::uint32_t, weir_ep_state> ep_state;  // and by hand (reconcile/holds.h)
    BpfMap<std::uint32_t, weir_svc_state> svc_state;
    BpfMap<weir_edge_key, weir_edge> edge;
    BpfMap<weir_edge_key, weir_latency> latency;
    BpfMap<std::uint64_t, weir_workload> cgroup;
    BpfMap<weir_unmanaged_key, weir_unmanaged> unmanaged;
    Fd reason;
    Fd produced;  // events, per CPU
    Fd events;    // the ring; see event_ring.h

    // Opens the maps pinned in `directory` (…/maps).
    static Result<Tables> open(const std::string& directory, Access access);

    // Totals over all CPUs, indexed by WEIR_REASON_*.
    Result<std::vector<std::uint64_t>> reasons() const;
    // Events that the programs made, be they lost or not.
    Result<std::uint64_t> events_produced() const;
};

// How full a hash table is; arrays are counted by whoever hands out their rows.
struct Fill {
    std::string table;
    std::uint64_t used = 0, capacity = 0;
};

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// What is in the kernel's tables, as far as user space owns it: which ids are taken, by whom, and
// what is free. A plain value; reconcile/adopt reads it from the tables, plan() moves it on.
#pragma once

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "userspace/model/compile.h"
#include "userspace/model/extents.h"

namespace weir {

struct LiveEndpoint {
    enum class State : std::uint8_t {
        kFree,
        kHeld,      // desired
        kDraining,  // no slot leads there; sockets may still hold it
    };
    Addr addr;
    std::uint16_t port = 0;
    State state = State::kFree;
    std::uint16_t flags = 0;  // as weir_endpoint.flags
    bool hidden = false;      // LEAVING so that it can be freed, whatever its endpoint is
};

// A service port's own rows in `endpoint`.
struct LiveRange {
    std::uint32_t base = 0;
    std::vector<LiveEndpoint> rows;  // its size is the capacity
};

inline bool has_draining_rows(const LiveRange& range) {
    return std::any_of(range.rows.begin(), range.rows.end(), [](const LiveEndpoint& row) {
        return row.state == LiveEndpoint::State::kDraining;
    });
}

struct LiveSlots {
    std::uint32_t offset = 0;
    std::vector<std::uint64_t> words;
};

struct LivePort {
    std::string name;  // "" = adopted and not yet matched
    std::uint32_t born = 0;
    std::set<Vip> vips;
    LiveRange range;
    LiveSlots slots;
    std::uint64_t published = 0;
    weir_svc_settings settings{};        // in force
    std::optional<DesiredPort> applied;  // equal to this: nothing to do
};

// Rows that nothing leads to any more, kept until no socket holds them.
struct LeavingRange {
    std::uint32_t svc_port = 0;
    LiveRange range;
};

inline bool same(const weir_workload& a, const weir_workload& b) {
    return a.id == b.id && a.mode == b.mode && a.cohort == b.cohort;
}

struct VipHash {
    std::size_t operator()(const Vip& vip) const {
        const auto key = vip.key();
        return std::hash<std::string_view>()({reinterpret_cast<const char*>(&key), sizeof(key)});
    }
};
using VipOwners = boost::unordered_flat_map<Vip, std::uint32_t, VipHash>;

struct LiveState {
    std::map<std::uint32_t, LivePort> ports;           // by row of svc_port
    std::map<std::string, std::uint32_t> port_ids;     // by name, of those that have one
    VipOwners vip_owners;                              // row of svc_port
    std::set<std::uint32_t> draining_ports;            // those with rows that are kDraining
    std::map<std::uint32_t, LiveRange> leaving_ports;  // unpublished, their rows still held
    std::vector<LeavingRange> leaving_ranges;          // outgrown
    std::map<std::string, weir_workload> patterns;     // by cgroup pattern
    std::map<std::uint32_t, std::string> workload_names;
    std::uint32_t next_workload = 1;
    // By row of endpoint, as written last; no longer than the rows that ever were.
    std::vector<std::uint32_t> endpoint_generations;
    Extents free_ports, free_endpoints, free_slots;
    // Endpoint rows whose edges are still to be folded, and the generation that they had.
    std::map<std::uint32_t, std::uint32_t> freed_rows;
    std::uint64_t generation = 0;  // of the mesh in the kernel
    // Rows of endpoints that have another one now, which counts what holds these too.
    std::map<std::uint32_t, std::uint32_t> moved_rows;
    // By bit: the addresses in the kernel that it stands for.
    std::vector<std::uint16_t> vip_filter = std::vector<std::uint16_t>(WEIR_VIP_FILTER_BITS);
    std::uint32_t vip_count = 0, vip_capacity = 0, pattern_capacity = 0;
};

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// A snapshot as what the kernel is to know: service ports with their addresses and endpoints, and
// cgroup patterns. Pure; no ids yet, those are the live state's (plan.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "maps/abi/service.h"
#include "maps/abi/workload.h"
#include "userspace/model/snapshot.h"
#include "userspace/model/subset_records.h"

namespace weir {

struct DesiredEndpoint {
    Addr addr;
    std::uint16_t port = 0;  // host order
    std::uint32_t weight = 1;
    std::uint32_t subsets = 0;  // bit n: it is in the n-th
    bool near = false;          // in the zone of this node, and preferred for it
    auto operator<=>(const DesiredEndpoint&) const = default;
};

// An address and port that clients connect to, in host order.
struct Vip {
    Addr addr;
    std::uint16_t port = 0;
    std::uint8_t protocol = WEIR_PROTO_TCP;  // WEIR_PROTO_*
    auto operator<=>(const Vip&) const = default;
    weir_vip_key key() const;
    static Vip from_key(const weir_vip_key& key);
};

struct DesiredPort : ServiceSettings {
    std::string name;                        // "orders.shop:80/TCP"
    std::vector<Vip> vips;                   // sorted
    std::vector<DesiredEndpoint> endpoints;  // sorted
    std::vector<DesiredSubset> subsets;      // none: endpoints are not told apart
    bool udp = false;
    bool has_subsets = false;  // of its own; else there is one of all, for the zone
    bool operator==(const DesiredPort&) const = default;
};

struct DesiredState {
    std::map<std::string, DesiredPort> ports;
    // Service ports that are in neither stay as they are; otherwise `ports` is all there is to be.
    std::optional<std::vector<std::string>> removed;
    bool same_workloads = false;                  // what follows is not filled in
    std::map<std::string, std::string> patterns;  // cgroup pattern -> workload name
    std::vector<std::string> excluded;            // cgroup patterns that this node leaves alone
    std::map<std::string, Mode> workload_modes;   // those that are not steered
};

// For a node of that zone; "": of none.
DesiredState compile(const Snapshot& snapshot, const std::string& zone);
// Only what is not the very same in both; costs as much as differs.
DesiredState compile_changes(const Snapshot& before, const Snapshot& after,
                             const std::string& zone);

std::uint8_t protocol_number(Protocol protocol);

// "orders.shop:80/TCP"
std::string service_port_name(const std::string& service, const Port& port);

// "/shop/front*" is a prefix; "/shop/front" is that cgroup alone (its children inherit).
weir_cg_prefix pattern_key(const std::string& pattern);
std::string pattern_of(const weir_cg_prefix& key);

}  // namespace weir

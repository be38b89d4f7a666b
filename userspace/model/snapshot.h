// SPDX-License-Identifier: Apache-2.0
// The desired state of the mesh as plain values, from whichever source. Immutable once made;
// unchanged services are shared between snapshots.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "userspace/model/named.h"
#include "userspace/model/service.h"

namespace weir {

struct Workload {
    std::string name;
    std::string cgroup;  // path from the cgroup2 root, with a leading slash; may end in *
    Mode mode = Mode::kSteer;
    std::vector<ServiceAddress> addresses;  // of its own, where it has some
    Labels labels{};
    std::string service_account;  // may be empty
    Origin origin{};
    bool operator==(const Workload&) const = default;
};

struct Snapshot {
    Named<Service> services;
    Named<Workload> workloads;
    std::uint64_t digest = 0;  // of what it was read from
};

// "orders.shop" -> "shop"; "" without a dot.
std::string_view namespace_of(std::string_view name);
// "orders.shop" -> "orders".
std::string_view short_name_of(std::string_view name);

}  // namespace weir

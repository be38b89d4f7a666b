// SPDX-License-Identifier: Apache-2.0
// Connects that go to no service, with names: who makes them, and whether they stay on this node.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "userspace/observe/views/names.h"

namespace weir {

struct UnmanagedView {
    std::string workload;     // "unknown", "departed"
    std::string destination;  // node, private, outside
    std::string protocol;     // TCP, UDP
    std::uint64_t connects = 0;
};

// Sorted by caller; what left the mesh is one row for each destination.
Result<std::vector<UnmanagedView>> unmanaged_views(const Tables& tables, const Names& names);

}  // namespace weir

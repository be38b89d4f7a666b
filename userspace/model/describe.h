// SPDX-License-Identifier: Apache-2.0
// The difference between two meshes in words, for people and scripts. Pure; says nothing of rows.
#pragma once

#include <string>
#include <vector>

#include "userspace/model/snapshot.h"

namespace weir {

struct MeshChange {
    std::string op;      // "add", "change", "remove"
    std::string kind;    // "service", "endpoint", "port", "address", "workload", …
    std::string name;    // "orders.shop", "orders.shop 10.0.0.2"
    std::string detail;  // "weight 1 -> 9"; may be empty
};

// Sorted by name; parts of an added or removed service are not listed one by one.
std::vector<MeshChange> describe_changes(const Snapshot& before, const Snapshot& after);

}  // namespace weir

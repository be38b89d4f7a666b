// SPDX-License-Identifier: Apache-2.0
// Subsets of a service and the zone that a node prefers, as the kernel is to know them: who is in
// which, and the records that lead to their slots (bpf/core/subset.h). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "userspace/model/snapshot.h"

namespace weir {

// Bit n is set: the endpoint has all labels of the n-th subset.
std::uint32_t subsets_of(const Endpoint& endpoint, const std::vector<Subset>& subsets);

// Whether new connections come to it at all: it, and one of its subsets where there are any, have a
// weight.
bool takes_connections(const Endpoint& endpoint, const std::vector<Subset>& subsets);

// Whether a node of that zone prefers some of the endpoints to others.
bool tells_zones_apart(const Service& service, const std::string& zone);

// A name as a number, the same on every node.
std::uint64_t name_hash(std::string_view name);
// weir_workload.cohort of a workload; 0 is that of all who are none.
std::uint16_t cohort_of(std::string_view workload);

}  // namespace weir

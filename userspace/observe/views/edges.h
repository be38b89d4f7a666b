// SPDX-License-Identifier: Apache-2.0
// Who talked to whom: the edge counters with names. Endpoints that left, and callers that did, are
// summed into "departed", what found no room into "other": sums never lose.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "maps/failure_names.h"
#include "userspace/observe/views/histogram.h"
#include "userspace/observe/views/names.h"

namespace weir {

struct EdgeCounts {
    std::uint64_t opened = 0, closed = 0, failed = 0, active = 0, untracked = 0;
    std::array<std::uint64_t, kFailureNames.size()> failed_by{};  // their sum is `failed`
    std::uint64_t bytes_sent = 0, bytes_received = 0;             // payload, as the caller sees it
    std::uint64_t retransmits = 0;                                // by the caller's side
    std::uint64_t resets_sent = 0, resets_received = 0;
    std::uint64_t datagrams_sent = 0, datagrams_received = 0;  // where the service asks
    EdgeCounts& operator+=(const EdgeCounts& other);
};

struct EdgeView {
    std::string workload;  // "unknown", "departed", "other"
    std::string service;
    std::uint16_t port = 0;
    std::string protocol;  // TCP, UDP
    std::string endpoint;  // "10.0.0.2:8080", "none", "departed", "other"
    EdgeCounts counts;
    Latencies latencies{};
};

// Sorted by service, port, endpoint and workload. Edges of services that left the mesh are out.
Result<std::vector<EdgeView>> edge_views(const Tables& tables, const Names& names);

}  // namespace weir

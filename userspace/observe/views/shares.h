// SPDX-License-Identifier: Apache-2.0
// Which share of new connections each endpoint of a service port has: by weights, subsets and
// zones, as the kernel has them published, and by loads, where it compares them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bpf/core/least_latency.h"
#include "maps/tables.h"
#include "userspace/model/endpoint_rows.h"

namespace weir {

// A subset that is published. Endpoints are named "10.0.0.2:8080".
struct SubsetView {
    std::uint32_t weight = 0;
    std::uint64_t seed = 0;             // name_hash() of its name
    std::set<std::string> near, whole;  // near: in the zone of this node, which comes first
    bool are_compared = false;          // by an algorithm that draws them without their weights
};

// None: all endpoints are alike. `reach`: WEIR_REACH_* of the socket.
std::vector<SubsetView> subset_views(const Tables& tables, const PublishedPort& port,
                                     std::uint32_t reach);

// Which of them a caller has, where that depends on who it is; of those that have endpoints.
std::optional<std::size_t> subset_of_caller(const std::vector<SubsetView>& subsets,
                                            const std::string& workload);

// How endpoints are compared at this moment, by their names; empty where they are not, for a
// service port without least-latency.
Result<std::map<std::string, weir_candidate>> loads_of(const Tables& tables,
                                                       std::uint32_t svc_port);

struct ShareCandidate {
    std::string endpoint;
    std::uint32_t weight = 0;
    bool in = false;  // new connections may get it
    std::optional<weir_candidate> load{};
    double grown = 1;  // which part of its share it has, in its slow start
};

// Of endpoints that are in their slow start, by their names, which part of their share they have.
Result<std::map<std::string, double>> slow_starts_of(const Tables& tables, std::uint32_t svc_port);
std::string slow_start_str(double grown);

// In the order of the candidates. `only`: of callers that have this subset. Of more endpoints than
// all pairs of can be looked at, by weight.
std::vector<double> shares_of(const std::vector<ShareCandidate>& candidates,
                              const std::vector<SubsetView>& subsets,
                              std::optional<std::size_t> only = {});

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// Services and endpoints as an operator asks for them: what the mesh says, what the kernel does,
// and what was counted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "userspace/observe/views/edges.h"

namespace weir {

// One service port.
struct ServiceView {
    std::string name;
    std::uint16_t port = 0;
    std::string protocol;  // TCP, UDP
    std::string portName;
    std::vector<std::string> addresses;
    std::string algorithm;
    std::uint32_t affinitySeconds = 0;  // 0: none
    std::string mode;                   // in force: steer, observe, off
    std::uint32_t endpoints = 0;        // that new connections may get
    std::string state;  // serving, no-endpoints, pending (not in the kernel), observed, off
    EdgeCounts counts;
};

// One endpoint of one service port.
struct EndpointView {
    std::string service;
    std::uint16_t port = 0;
    std::string protocol;
    std::string endpoint;  // "10.0.0.2:8080", or as EdgeView has it
    std::uint32_t weight = 0;
    std::string zone;                           // may be empty
    std::map<std::string, std::string> labels;  // of the mesh file
    double share = 0;                           // of new connections, 0 to 1
    // serving, ejected or half-open (views/health.h), drained (weight 0, its own or its subset's),
    // no-subset (it is in none, and gets nothing), pending (not in the kernel); of those not in the
    // mesh: leaving (only old connections), gone, refused ("none"), summed ("other", "departed").
    std::string state;
    EdgeCounts counts;
    std::string reason{};  // of ejected and half-open ones, and of those in their slow start
    double sinceSeconds = 0, untilSeconds = 0;
    bool used = false;         // in spite of it: too few are in
    double answerSeconds = 0;  // as least-latency sees it (views/health.h); 0 = not known
};

Result<std::vector<ServiceView>> service_views(const Tables& tables, const Snapshot& snapshot);
Result<std::vector<EndpointView>> endpoint_views(const Tables& tables, const Snapshot& snapshot);

}  // namespace weir

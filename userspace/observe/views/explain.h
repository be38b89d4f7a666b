// SPDX-License-Identifier: Apache-2.0
// Why a connect goes where it goes: what the kernel would do with it now, asked of the tables that
// its programs read, by the functions of bpf/core that they call.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "userspace/observe/views/edges.h"

namespace weir {

struct CandidateView {
    std::string endpoint;  // "10.0.0.2:8080"
    bool in = false;       // new connections may get it
    double share = 0;      // of them, 0 to 1
    std::string why;       // it is out; or what is remarkable of it; may be empty
    EdgeCounts counts;     // of the caller's connections to it
    Latencies latencies{};
    double answerSeconds = 0;  // as least-latency sees it, of all callers; 0 = not known
};

struct ExplainView {
    std::string from, to;   // as they were asked for
    std::string service;    // "orders.shop"; empty: the address is no service's
    std::string address;    // "10.96.0.10:80"
    std::string protocol;   // TCP, UDP
    std::string verdict;    // steered, observed, off, refused, direct; invalid: of no use, see why
    std::string why;        // one sentence
    std::string algorithm;  // of the service
    std::uint32_t affinitySeconds = 0;
    std::vector<CandidateView> candidates;
};

// `from`: a workload, or "unknown". `to`: a service or an address, with a port where there are
// several.
Result<ExplainView> explain_view(const Tables& tables, const Snapshot& snapshot,
                                 const std::string& from, const std::string& to);

// The same, with what happened between two looks in the place of what happened ever.
ExplainView explain_between(const ExplainView& before, ExplainView now);

// Says of endpoints that answer much later than the others whether the network does it or the
// application, by their round trips and by what connecting takes.
void remark_on_slow(std::vector<CandidateView>& candidates);

}  // namespace weir

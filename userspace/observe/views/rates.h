// SPDX-License-Identifier: Apache-2.0
// What happened between two looks at the edges: what `weir top` shows. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "userspace/observe/views/services.h"

namespace weir {

// `now` less `before`; never below 0. What is active is active now.
EdgeCounts grown(const EdgeCounts& before, const EdgeCounts& now);
Latencies grown(const Latencies& before, const Latencies& now);

enum class RateOf { kService, kWorkload, kEndpoint };

struct RateView {
    std::string name;           // "orders.shop:80", "frontend.shop", "orders.shop:80 10.0.0.2:8080"
    EdgeCounts counts;          // what they grew by; `active` is what there is now
    Latencies latencies;        // of these moments only
    double perSecond = 0;       // connects
    double success = 1;         // of the connects that opened or failed in these moments, 0 to 1
    std::uint64_t ejected = 0;  // endpoints that are out now; of no workload
};

// Those with something going on, by name. `seconds` between the two looks, above 0.
std::vector<RateView> rate_views(const std::vector<EdgeView>& before,
                                 const std::vector<EdgeView>& now, double seconds, RateOf of);

// How many endpoints are out, by the names that rate_views gives to rows.
std::map<std::string, std::uint64_t> ejected_by_name(const std::vector<EndpointView>& endpoints,
                                                     RateOf of);
// Into the rows; one without traffic whose endpoints are out gets a row of its own.
void add_ejected(std::vector<RateView>& views, const std::map<std::string, std::uint64_t>& ejected);

}  // namespace weir

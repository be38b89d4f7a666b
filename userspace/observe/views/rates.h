// SPDX-License-Identifier: Apache-2.0
// What happened between two looks at the edges: what `weir top` shows. Pure.
#pragma once

#include <string>
#include <vector>

#include "userspace/observe/views/edges.h"

namespace weir {

// `now` less `before`; never below 0. What is active is active now.
EdgeCounts grown(const EdgeCounts& before, const EdgeCounts& now);
Latencies grown(const Latencies& before, const Latencies& now);

enum class RateOf { kService, kWorkload, kEndpoint };

struct RateView {
    std::string name;      // "orders.shop:80", "frontend.shop", "orders.shop:80 10.0.0.2:8080"
    EdgeCounts counts;     // what they grew by; `active` is what there is now
    Latencies latencies;   // of these moments only
    double perSecond = 0;  // connects
    double success = 1;    // of the connects that opened or failed in these moments, 0 to 1
};

// Those with something going on, by name. `seconds` between the two looks, above 0.
std::vector<RateView> rate_views(const std::vector<EdgeView>& before,
                                 const std::vector<EdgeView>& now, double seconds, RateOf of);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "userspace/model/checks.h"
#include "userspace/model/subsets.h"

namespace weir {
namespace {

std::string of(const Service& service) {
    return " of service \"" + service.name + "\"";
}

// Subsets without endpoints give their share to the others, and endpoints of no subset have none.
void check_members(const Service& service, Diagnostics& found) {
    std::uint32_t met = 0;
    for (const auto& endpoint : service.endpoints) {
        const auto bits = subsets_of(endpoint, service.subsets);
        met |= bits;
        if (bits == 0)
            found.warning(endpoint.origin,
                          "endpoint " + endpoint.addr.str() + of(service) +
                              " is in none of its subsets and gets no connections: give it the "
                              "labels of one");
    }
    for (std::size_t n = 0; n < service.subsets.size(); n++)
        if ((met >> n & 1U) == 0)
            found.warning(service.subsets[n].origin,
                          "subset \"" + service.subsets[n].name + "\"" + of(service) +
                              " has no endpoint: its share goes to the others");
}

}  // namespace

void check_subsets(const Service& service, Diagnostics& found) {
    const auto& subsets = service.subsets;
    if (subsets.empty()) {
        if (service.subset_by_workload)
            found.error(service.origins.subset_by, "`subsetBy`" + of(service) +
                                                       " does nothing without `subsets`: give "
                                                       "both, or neither");
        return;
    }
    if (std::all_of(subsets.begin(), subsets.end(),
                    [](const Subset& subset) { return subset.weight == 0; }))
        found.error(subsets.front().origin,
                    "all subsets" + of(service) +
                        " have weight 0: nobody would get its connections; give one a weight");
    if (!service.endpoints.empty())
        check_members(service, found);
}

void check_zones(const Service& service, Diagnostics& found) {
    const auto& endpoints = service.endpoints;
    if (service.prefers_zone && !endpoints.empty() &&
        std::all_of(endpoints.begin(), endpoints.end(),
                    [](const Endpoint& endpoint) { return endpoint.zone.empty(); }))
        found.warning(service.origins.zone, "`trafficDistribution`" + of(service) +
                                                " does nothing: no endpoint has a `zone`");
}

}  // namespace weir

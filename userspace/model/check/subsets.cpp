// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

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
    const auto& endpoints = service.endpoints;
    const bool has_some = std::any_of(endpoints.begin(), endpoints.end(), [&](const Endpoint& one) {
        return takes_connections(one, service.subsets);
    });
    const bool had_some = std::any_of(endpoints.begin(), endpoints.end(),
                                      [](const Endpoint& one) { return one.weight > 0; });
    if (had_some && !has_some)
        return found.error(service.subsets.front().origin,
                           "no endpoint" + of(service) +
                               " is in a subset with a weight: all connects would be refused; give "
                               "the endpoints the labels of one");
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
        return found.error(
            subsets.front().origin,
            "all subsets" + of(service) +
                " have weight 0: nobody would get its connections; give one a weight");
    if (!service.endpoints.empty())
        check_members(service, found);
}

// Where a zone is gone, so many of the endpoints must be let go.
void check_zones(const Service& service, Diagnostics& found) {
    if (!service.prefers_zone || service.endpoints.empty())
        return;
    std::map<std::string, std::size_t> zones;
    for (const auto& endpoint : service.endpoints)
        if (!endpoint.zone.empty())
            zones[endpoint.zone]++;
    if (zones.empty())
        return found.warning(service.origins.zone, "`trafficDistribution`" + of(service) +
                                                       " does nothing: no endpoint has a `zone`");
    for (const auto& [zone, count] : zones) {
        const auto percent =
            (100 * count + service.endpoints.size() - 1) / service.endpoints.size();
        if (service.outliers.consecutive_failures != 0 && zones.size() > 1 &&
            percent > service.outliers.max_percent)
            found.warning(service.origins.zone,
                          "zone \"" + zone + "\" has " + std::to_string(percent) +
                              " % of the endpoints" + of(service) +
                              ", of which `maxEjectionPercent` lets at most " +
                              std::to_string(service.outliers.max_percent) +
                              " be out: should the zone be gone, some connects would go on trying "
                              "it; raise that");
    }
}

}  // namespace weir

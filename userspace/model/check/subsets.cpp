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

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "userspace/model/checks.h"

namespace weir {

// Where a zone is gone, so many of the endpoints must be let go.
void check_zones(const Service& service, Diagnostics& found) {
    if (!service.prefers_zone || service.endpoints.empty())
        return;
    const std::string of = " of service \"" + service.name + "\"";
    std::map<std::string, std::size_t> zones;
    for (const auto& endpoint : service.endpoints)
        if (!endpoint.zone.empty())
            zones[endpoint.zone]++;
    if (zones.empty())
        return found.warning(service.origins.zone, "`trafficDistribution`" + of +
                                                       " does nothing: no endpoint has a `zone`");
    for (const auto& [zone, count] : zones) {
        const auto percent =
            (100 * count + service.endpoints.size() - 1) / service.endpoints.size();
        if (service.outliers.consecutive_failures != 0 && zones.size() > 1 &&
            percent > service.outliers.max_percent)
            found.warning(service.origins.zone,
                          "zone \"" + zone + "\" has " + std::to_string(percent) +
                              " % of the endpoints" + of +
                              ", of which `maxEjectionPercent` lets at most " +
                              std::to_string(service.outliers.max_percent) +
                              " be out: should the zone be gone, some connects would go on trying "
                              "it; raise that");
    }
}

}  // namespace weir

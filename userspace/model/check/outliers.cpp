// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "bpf/core/health.h"
#include "userspace/model/checks.h"

namespace weir {

// A service of one endpoint never loses it, which needs no word.
void check_outliers(const Service& service, Diagnostics& found) {
    const auto used = static_cast<std::uint32_t>(
        std::count_if(service.endpoints.begin(), service.endpoints.end(),
                      [](const Endpoint& endpoint) { return endpoint.weight > 0; }));
    if (service.outliers.consecutive_failures == 0 || used < 2 ||
        weir_may_be_out(1, used, service.outliers.max_percent) != 0)
        return;
    found.warning(service.origins.outliers,
                  "`maxEjectionPercent` " + std::to_string(service.outliers.max_percent) +
                      " of service \"" + service.name + "\" lets none of its " +
                      std::to_string(used) + " endpoints be out: write " +
                      std::to_string((100 + used - 1) / used) + " or more");
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "userspace/model/checks.h"

namespace weir {

void check_duplicate_endpoints(const Service& service, Diagnostics& found) {
    std::map<Addr, const Endpoint*> seen;
    for (const auto& endpoint : service.endpoints) {
        const auto [first, fresh] = seen.emplace(endpoint.addr, &endpoint);
        if (!fresh)
            found.error(endpoint.origin, "endpoint " + endpoint.addr.str() + " of service \"" +
                                             service.name + "\" is written twice, first at " +
                                             first->second->origin.str() +
                                             ": remove one, or use `weight`");
    }
}

}  // namespace weir

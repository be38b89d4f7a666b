// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "userspace/model/checks.h"

namespace weir {

void check_reachability(const Snapshot& snapshot, Diagnostics& found) {
    for (const auto& [name, service] : snapshot.services) {
        const auto& endpoints = service->endpoints;
        if (endpoints.empty())
            continue;
        const bool any_v4 = std::any_of(endpoints.begin(), endpoints.end(),
                                        [](const Endpoint& e) { return e.addr.is_v4(); });
        if (any_v4)
            continue;
        for (const auto& address : service->addresses)
            if (address.addr.is_v4())
                found.warning(address.origin, "service \"" + name +
                                                  "\" has only IPv6 endpoints, which IPv4 sockets "
                                                  "cannot reach: connects to " +
                                                  address.addr.str() +
                                                  " from such sockets will be refused");
    }
}

}  // namespace weir

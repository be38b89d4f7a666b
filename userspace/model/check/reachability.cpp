// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "userspace/model/checks.h"

namespace weir {

void check_reachability(const Service& service, Diagnostics& found) {
    const auto& endpoints = service.endpoints;
    if (endpoints.empty() || std::any_of(endpoints.begin(), endpoints.end(),
                                         [](const Endpoint& e) { return e.addr.is_v4(); }))
        return;
    for (const auto& address : service.addresses)
        if (address.addr.is_v4())
            found.warning(address.origin,
                          "service \"" + service.name +
                              "\" has only IPv6 endpoints, which IPv4 sockets cannot reach: "
                              "connects to " +
                              address.addr.str() + " from such sockets will be refused");
}

}  // namespace weir

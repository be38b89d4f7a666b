// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <set>
#include <tuple>

#include "userspace/model/checks.h"

namespace weir {
namespace {

using Owners = std::map<std::tuple<Addr, std::uint16_t, Protocol>, const Service*>;

void check_address(const Service& service, const ServiceAddress& address, Owners& owners,
                   Diagnostics& found) {
    std::set<std::pair<std::uint16_t, Protocol>> reported;
    for (const auto& port : service.ports) {
        const auto [first, fresh] =
            owners.emplace(std::tuple(address.addr, port.port, port.protocol), &service);
        if (fresh || first->second == &service ||
            !reported.emplace(port.port, port.protocol).second)
            continue;
        found.error(address.origin, "service \"" + service.name + "\" has " +
                                        endpoint_str(address.addr, port.port) +
                                        ", and so has service \"" + first->second->name + "\" at " +
                                        first->second->origin.str() +
                                        ": give one of them another address or port");
    }
}

}  // namespace

void check_addresses(const Snapshot& snapshot, Diagnostics& found) {
    Owners owners;
    for (const auto& service : snapshot.services) {
        std::set<Addr> seen;
        for (const auto& address : service->addresses)
            if (seen.insert(address.addr).second)
                check_address(*service, address, owners, found);
    }
}

}  // namespace weir

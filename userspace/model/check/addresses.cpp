// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "userspace/model/checks.h"

namespace weir {
namespace {

struct Owner {
    const Service* service;
    const Port* port;
};
using Owners = std::map<std::pair<Addr, std::uint16_t>, Owner>;

void check_ports(const Service& service, Diagnostics& found) {
    std::map<std::uint16_t, const Port*> numbers;
    std::map<std::string, const Port*> names;
    for (const auto& port : service.ports) {
        if (const auto [first, fresh] = numbers.emplace(port.port, &port); !fresh)
            found.error(port.origin, "port " + std::to_string(port.port) + " of service \"" +
                                         service.name + "\" is written twice, first at " +
                                         first->second->origin.str() + ": remove one");
        if (port.name.empty())
            continue;
        if (const auto [first, fresh] = names.emplace(port.name, &port); !fresh)
            found.error(port.origin, "two ports of service \"" + service.name + "\" are named \"" +
                                         port.name + "\", the first at " +
                                         first->second->origin.str() + ": rename one");
    }
}

void check_address(const Service& service, const ServiceAddress& address, Owners& owners,
                   Diagnostics& found) {
    std::set<std::uint16_t> reported;
    for (const auto& port : service.ports) {
        const auto [first, fresh] =
            owners.emplace(std::pair(address.addr, port.port), Owner{&service, &port});
        if (fresh || first->second.service == &service || !reported.insert(port.port).second)
            continue;
        found.error(address.origin, "service \"" + service.name + "\" has " +
                                        endpoint_str(address.addr, port.port) +
                                        ", and so has service \"" + first->second.service->name +
                                        "\" at " + first->second.service->origin.str() +
                                        ": give one of them another address or port");
    }
}

}  // namespace

void check_addresses(const Snapshot& snapshot, Diagnostics& found) {
    Owners owners;
    for (const auto& [name, service] : snapshot.services) {
        check_ports(*service, found);
        std::set<Addr> seen;
        for (const auto& address : service->addresses) {
            if (!seen.insert(address.addr).second)
                found.error(address.origin, "address " + address.addr.str() + " of service \"" +
                                                name + "\" is written twice: remove one");
            else
                check_address(*service, address, owners, found);
        }
    }
}

}  // namespace weir

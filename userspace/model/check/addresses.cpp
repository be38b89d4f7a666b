// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <tuple>

#include "userspace/model/checks.h"

namespace weir {
namespace {

struct Owner {
    const Service* service;
    const Port* port;
};
using Owners = std::map<std::tuple<Addr, std::uint16_t, Protocol>, Owner>;
using PortNumber = std::pair<std::uint16_t, Protocol>;

std::string port_str(const Port& port) {
    return std::to_string(port.port) + "/" + std::string(protocol_name(port.protocol));
}

void check_ports(const Service& service, Diagnostics& found) {
    std::map<PortNumber, const Port*> numbers;
    std::map<std::string, const Port*> names;
    for (const auto& port : service.ports) {
        if (const auto [first, fresh] =
                numbers.emplace(PortNumber(port.port, port.protocol), &port);
            !fresh)
            found.error(port.origin, "port " + port_str(port) + " of service \"" + service.name +
                                         "\" is written twice, first at " +
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
    std::set<PortNumber> reported;
    for (const auto& port : service.ports) {
        const auto [first, fresh] = owners.emplace(
            std::tuple(address.addr, port.port, port.protocol), Owner{&service, &port});
        if (fresh || first->second.service == &service ||
            !reported.emplace(port.port, port.protocol).second)
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

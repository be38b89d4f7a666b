// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <set>

#include "userspace/model/checks.h"

namespace weir {
namespace {

using PortNumber = std::pair<std::uint16_t, Protocol>;

}  // namespace

void check_ports(const Service& service, Diagnostics& found) {
    std::map<PortNumber, const Port*> numbers;
    std::map<std::string, const Port*> names;
    for (const auto& port : service.ports) {
        if (const auto [first, fresh] =
                numbers.emplace(PortNumber(port.port, port.protocol), &port);
            !fresh)
            found.error(port.origin, "port " + port_number_str(port.port, port.protocol) +
                                         " of service \"" + service.name +
                                         "\" is written twice, first at " +
                                         first->second->origin.str() + ": remove one");
        if (port.name.empty())
            continue;
        if (const auto [first, fresh] = names.emplace(port.name, &port); !fresh)
            found.error(port.origin, "two ports of service \"" + service.name + "\" are named \"" +
                                         port.name + "\", the first at " +
                                         first->second->origin.str() + ": rename one");
    }
    std::set<Addr> addresses;
    for (const auto& address : service.addresses)
        if (!addresses.insert(address.addr).second)
            found.error(address.origin, "address " + address.addr.str() + " of service \"" +
                                            service.name + "\" is written twice: remove one");
}

}  // namespace weir

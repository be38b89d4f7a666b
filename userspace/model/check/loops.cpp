// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <tuple>

#include "userspace/model/checks.h"

namespace weir {

void check_loops(const Snapshot& snapshot, Diagnostics& found) {
    std::map<std::tuple<Addr, std::uint16_t, Protocol>, const Service*> vips;
    for (const auto& service : snapshot.services)
        for (const auto& address : service->addresses)
            for (const auto& port : service->ports)
                vips.emplace(std::tuple(address.addr, port.port, port.protocol), service.get());
    for (const auto& service : snapshot.services) {
        for (const auto& endpoint : service->endpoints) {
            for (const auto& port : service->ports) {
                const auto vip = vips.find({endpoint.addr, port.target_port, port.protocol});
                if (vip == vips.end())
                    continue;
                const bool own = vip->second == service.get();
                found.error(
                    endpoint.origin,
                    "endpoint " + endpoint_str(endpoint.addr, port.target_port) + " of service \"" +
                        service->name + "\" is the address of " +
                        (own ? "the service itself" : "service \"" + vip->second->name + "\"") +
                        ": write the address of a server");
            }
        }
    }
}

}  // namespace weir

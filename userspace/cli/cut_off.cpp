// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/cut_off.h"

#include <algorithm>
#include <map>

#include "userspace/model/duration.h"

namespace weir {
namespace {

bool is_lower(std::uint32_t before, std::uint32_t after) {
    return after != 0 && (before == 0 || after < before);
}

bool takes_connections(const Service& service) {
    return std::any_of(service.endpoints.begin(), service.endpoints.end(),
                       [](const Endpoint& endpoint) { return endpoint.weight > 0; });
}

std::string beyond(const std::string& what, std::uint64_t active, const char* setting,
                   std::uint32_t limit) {
    return what + " has " + std::to_string(active) + " open connections on this node, more than " +
           setting + " " + std::to_string(limit) +
           ": they stay, and no new one is let through until enough have ended";
}

void warn_of_limits(const Service& service, const Service& was,
                    const std::vector<EndpointView>& now, std::vector<std::string>& warnings) {
    const auto& limits = service.limits;
    const auto& before = was.limits;
    std::map<std::string, std::uint64_t> of_ports;
    for (const auto& view : now) {
        if (view.service != service.name)
            continue;
        const std::string port =
            view.service + ":" + std::to_string(view.port) + "/" + view.protocol;
        of_ports[port] += view.counts.active;
        if (is_lower(before.per_endpoint, limits.per_endpoint) &&
            view.counts.active > limits.per_endpoint)
            warnings.push_back(beyond(view.endpoint + " of " + port, view.counts.active,
                                      "maxConnectionsPerEndpoint", limits.per_endpoint));
    }
    for (const auto& [port, active] : of_ports) {
        if (is_lower(was.timeouts.idle_ms, service.timeouts.idle_ms) && active != 0)
            warnings.push_back(port + " has " + std::to_string(active) +
                               " open connections on this node: those on which no data has moved "
                               "for `timeouts.idle` " +
                               duration_str(std::chrono::milliseconds(service.timeouts.idle_ms)) +
                               " are ended at once");
        if (is_lower(before.connections, limits.connections) && active > limits.connections)
            warnings.push_back(beyond(port, active, "maxConnections", limits.connections));
    }
}

}  // namespace

bool lowers_a_limit(const Snapshot& before, const Snapshot& after) {
    return std::any_of(after.services.begin(), after.services.end(), [&](const auto& service) {
        const auto was = before.services.find(service->name);
        const Service before = was ? *was : Service{};
        return is_lower(before.limits.connections, service->limits.connections) ||
               is_lower(before.limits.per_endpoint, service->limits.per_endpoint) ||
               is_lower(before.timeouts.idle_ms, service->timeouts.idle_ms);
    });
}

std::vector<std::string> cut_off_warnings(const Snapshot& before, const Snapshot& after,
                                          const std::vector<EndpointView>& now) {
    std::vector<std::string> warnings;
    for (const auto& service : after.services) {
        const auto was = before.services.find(service->name);
        warn_of_limits(*service, was ? *was : Service{}, now, warnings);
        if (was && takes_connections(*was) && !takes_connections(*service))
            warnings.push_back(service->name +
                               " has no endpoint left that takes connections: each connect to it "
                               "will be refused (ECONNREFUSED)");
    }
    return warnings;
}

}  // namespace weir

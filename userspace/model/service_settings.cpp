// SPDX-License-Identifier: Apache-2.0
#include "userspace/model/service_settings.h"

#include "userspace/model/duration.h"
#include "userspace/model/share.h"

namespace weir {
namespace {

std::string origin_str(const Origin& origin) {
    return origin.line == 0 ? "default" : origin.str();
}

ServiceSetting mode_of(const Service& service, const NodeMode& node) {
    if (node.mode > service.mode)
        return {"mode", std::string(mode_name(node.mode)), node.origin};
    return {"mode", std::string(mode_name(service.mode)), origin_str(service.origins.mode)};
}

std::string port_value(const Port& port) {
    return port_number_str(port.port, port.protocol) + " to " + std::to_string(port.target_port) +
           (port.app_protocol.empty() ? "" : ", " + port.app_protocol);
}

std::string endpoint_str(const Endpoint& endpoint) {
    return endpoint.addr.str() + " weight " + std::to_string(endpoint.weight) +
           (endpoint.zone.empty() ? "" : ", zone " + endpoint.zone) +
           (endpoint.labels.empty() ? "" : ", " + labels_str(endpoint.labels));
}

}  // namespace

std::vector<ServiceSetting> settings_of(const Service& service, const NodeMode& node) {
    std::vector<ServiceSetting> all{
        mode_of(service, node),
        {"balance.algorithm", std::string(algorithm_name(service.algorithm)),
         origin_str(service.origins.algorithm)},
        {"balance.slowStart",
         service.slow_start_ms == 0
             ? ""
             : duration_str(std::chrono::milliseconds(service.slow_start_ms)),
         origin_str(service.origins.slow_start)},
        {"balance.subsetBy", std::string(subset_by_str(service)),
         origin_str(service.origins.subset_by)},
        {"trafficDistribution", std::string(traffic_distribution_str(service)),
         origin_str(service.origins.zone)},
        {"affinity.timeout",
         service.affinity_s == 0 ? "" : duration_str(std::chrono::seconds(service.affinity_s)),
         origin_str(service.origins.affinity)},
        {"outlierDetection", outlier_detection_str(service), origin_str(service.origins.outliers)},
        {"limits", limits_str(service.limits), origin_str(service.origins.limits)},
        {"timeouts", timeouts_str(service.timeouts), origin_str(service.origins.timeouts)},
        {"observe.events", service.events_every ? share_str(*service.events_every) : "",
         origin_str(service.origins.events)},
        {"observe.datagrams", service.counts_datagrams ? "true" : "",
         origin_str(service.origins.datagrams)}};
    for (const auto& address : service.addresses)
        all.push_back({"address", address.addr.str(), origin_str(address.origin)});
    for (const auto& port : service.ports)
        all.push_back({port.name.empty() ? "port" : "port " + port.name, port_value(port),
                       origin_str(port.origin)});
    for (const auto& subset : service.subsets)
        all.push_back({"subset " + subset.name,
                       "weight " + std::to_string(subset.weight) + ", " + labels_str(subset.labels),
                       origin_str(subset.origin)});
    for (const auto& endpoint : service.endpoints)
        all.push_back({"endpoint", endpoint_str(endpoint), origin_str(endpoint.origin)});
    return all;
}

}  // namespace weir

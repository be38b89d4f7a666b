// SPDX-License-Identifier: Apache-2.0
#include "userspace/source/mesh_settings.h"

#include <algorithm>

#include "userspace/model/duration.h"
#include "userspace/model/share.h"
#include "userspace/source/fields.h"
#include "userspace/source/outlier_settings.h"
#include "userspace/source/subset_settings.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kAffinityDefault = 3 * 3600;  // as Kubernetes' sessionAffinityConfig
constexpr std::array kAlgorithms{Algorithm::kRandom, Algorithm::kRoundRobin,
                                 Algorithm::kLeastConnections, Algorithm::kLeastLatency,
                                 Algorithm::kConsistentHash};
constexpr std::uint64_t kLimitMax = 1'000'000;

void read_balance(const YamlNode& node, Service& service, Diagnostics& found) {
    const Phrase what = "`balance` of " + quoted("service", service.name);
    const MappingReader reader(node, what, {"algorithm", "slowStart", "subsetBy"}, found);
    if (const auto* slow_start = reader.find("slowStart")) {
        const auto read = read_duration(*slow_start, "`slowStart` of " + what, 0ms, 1h, found);
        service.slow_start_ms = read ? static_cast<std::uint32_t>(read->count()) : 0;
        service.origins.slow_start = slow_start->origin;
    }
    if (const auto* by = reader.find("subsetBy")) {
        service.subset_by_workload =
            read_choice(*by, "`subsetBy` of " + what, {"connection", "workload"}, found) == 1U;
        service.origins.subset_by = by->origin;
    }
    const auto* algorithm = reader.find("algorithm");
    if (algorithm == nullptr)
        return;
    const auto name = [](std::size_t i) { return algorithm_name(kAlgorithms.at(i)); };
    if (const auto chosen = read_choice(*algorithm, "`algorithm` of " + what,
                                        {name(0), name(1), name(2), name(3), name(4)}, found))
        service.algorithm = kAlgorithms.at(*chosen);
    service.origins.algorithm = algorithm->origin;
}

void read_affinity(const YamlNode& node, Service& service, Diagnostics& found) {
    const Phrase what = "`affinity` of " + quoted("service", service.name);
    const MappingReader reader(node, what, {"timeout"}, found);
    service.affinity_s = kAffinityDefault;
    service.origins.affinity = node.origin;
    const auto* timeout = reader.find("timeout");
    if (timeout == nullptr)
        return;
    service.origins.affinity = timeout->origin;
    if (const auto read = read_duration(*timeout, "`timeout` of " + what, 1s, 24h, found))
        service.affinity_s = static_cast<std::uint32_t>(
            std::chrono::duration_cast<std::chrono::seconds>(*read).count());
}

void read_events(const YamlNode& node, const Phrase& what, Service& service, Diagnostics& found) {
    service.origins.events = node.origin;
    const auto text = read_string(node, what, found);
    if (!text)
        return;
    service.events_every = parse_share(*text);
    if (!service.events_every)
        found.error(node.origin, what + " is \"" + *text + "\": write " + kShareForms);
}

void read_observe(const YamlNode& node, Service& service, Diagnostics& found) {
    const Phrase what = "`observe` of " + quoted("service", service.name);
    const MappingReader reader(node, what, {"datagrams", "events"}, found);
    if (const auto* events = reader.find("events"))
        read_events(*events, "`events` of " + what, service, found);
    const auto* datagrams = reader.find("datagrams");
    if (datagrams == nullptr)
        return;
    const auto chosen = read_choice(*datagrams, "`datagrams` of " + what, {"false", "true"}, found);
    service.counts_datagrams = chosen == 1U;
    service.origins.datagrams = datagrams->origin;
    const bool has_udp =
        std::any_of(service.ports.begin(), service.ports.end(),
                    [](const Port& port) { return port.protocol == Protocol::kUdp; });
    if (service.counts_datagrams && !has_udp)
        found.error(datagrams->origin,
                    quoted("service", service.name) +
                        " has no UDP port whose `datagrams` could be counted: remove this line, or "
                        "give a port `protocol: UDP`");
}

// Leaves `value` as it is where the field is missing.
void read_limit(const MappingReader& reader, std::string_view name, std::uint32_t& value,
                Diagnostics& found) {
    const auto* node = reader.find(name);
    if (node == nullptr)
        return;
    const std::string quoted = "`" + std::string(name) + "` of ";
    if (node->scalar == "0")
        found.error(node->origin, quoted.c_str() + reader.what() +
                                      " is 0, which would refuse every connect: leave it out to "
                                      "have no such limit, or write 1 or more");
    const auto read = node->scalar == "0"
                          ? std::nullopt
                          : read_number(*node, quoted.c_str() + reader.what(), 1, kLimitMax, found);
    value = static_cast<std::uint32_t>(read.value_or(kLimitMax));
}

void read_limits(const YamlNode& node, Service& service, Diagnostics& found) {
    const MappingReader reader(
        node, "`limits` of " + quoted("service", service.name),
        {"maxConnections", "maxConnectionsPerEndpoint", "connectionsPerSecond", "connectionBurst"},
        found);
    auto& limits = service.limits;
    service.origins.limits = node.origin;
    read_limit(reader, "maxConnections", limits.connections, found);
    read_limit(reader, "maxConnectionsPerEndpoint", limits.per_endpoint, found);
    read_limit(reader, "connectionsPerSecond", limits.per_second, found);
    limits.burst = limits.per_second;
    read_limit(reader, "connectionBurst", limits.burst, found);
    if (limits.burst != 0 && limits.per_second == 0)
        found.error(reader.origin_of("connectionBurst"),
                    "`connectionBurst` of " + quoted("service", service.name) +
                        " does nothing without `connectionsPerSecond`: give both, or neither");
}

// Leaves `value` as it is where the field is missing.
void read_time(const MappingReader& reader, std::string_view name, std::chrono::milliseconds low,
               std::chrono::milliseconds high, std::uint32_t& value, Diagnostics& found,
               std::chrono::milliseconds unit = 1ms) {
    const auto* node = reader.find(name);
    if (node == nullptr)
        return;
    const std::string quoted = "`" + std::string(name) + "` of ";
    const auto read = read_duration(*node, quoted.c_str() + reader.what(), low, high, found);
    if (read && *read % unit != 0ms)
        found.error(node->origin, quoted.c_str() + reader.what() + " is " + duration_str(*read) +
                                      ", and the kernel counts it in whole seconds: write " +
                                      duration_str(*read - *read % unit) + " or " +
                                      duration_str(*read - *read % unit + unit));
    value = static_cast<std::uint32_t>(read.value_or(low) / unit);
}

// As Istio's tcpKeepalive, with the times that kernels and load balancers do well with.
void read_keepalive(const YamlNode& node, Service& service, Diagnostics& found) {
    const MappingReader reader(node, "`keepalive` of " + quoted("service", service.name),
                               {"time", "interval", "probes"}, found);
    auto& timeouts = service.timeouts;
    timeouts.keepalive_time_s = 60;
    timeouts.keepalive_interval_s = 10;
    timeouts.keepalive_probes = 3;
    read_time(reader, "time", 1s, 9h, timeouts.keepalive_time_s, found, 1s);
    read_time(reader, "interval", 1s, 1h, timeouts.keepalive_interval_s, found, 1s);
    if (const auto* probes = reader.find("probes"))
        timeouts.keepalive_probes = static_cast<std::uint32_t>(
            read_number(*probes, "`probes` of " + reader.what(), 1, 127, found).value_or(1));
}

void read_timeouts(const YamlNode& node, Service& service, Diagnostics& found) {
    const MappingReader reader(node, "`timeouts` of " + quoted("service", service.name),
                               {"connect", "tcpUser", "idle", "keepalive"}, found);
    service.origins.timeouts = node.origin;
    read_time(reader, "connect", 10ms, 2min, service.timeouts.connect_ms, found);
    read_time(reader, "tcpUser", 1s, 24h, service.timeouts.tcp_user_ms, found);
    read_time(reader, "idle", 2s, 24h, service.timeouts.idle_ms, found);
    if (const auto* keepalive = reader.find("keepalive"))
        read_keepalive(*keepalive, service, found);
    const bool has_tcp =
        std::any_of(service.ports.begin(), service.ports.end(),
                    [](const Port& port) { return port.protocol == Protocol::kTcp; });
    if (!has_tcp)
        found.error(node.origin, quoted("service", service.name) +
                                     " has no TCP port whose `timeouts` could be kept: remove "
                                     "this line, or give a port `protocol: TCP`");
}

using Read = void (*)(const YamlNode&, Service&, Diagnostics&);

}  // namespace

void read_settings(const MappingReader& reader, Service& service, Diagnostics& found) {
    const auto read = [&](std::string_view name, Read how) {
        if (const auto* node = reader.find(name))
            how(*node, service, found);
    };
    read("balance", read_balance);
    read("subsets", read_subsets);
    read("trafficDistribution", read_traffic_distribution);
    read("affinity", read_affinity);
    read("outlierDetection", read_outlier_detection);
    read("limits", read_limits);
    read("timeouts", read_timeouts);
    read("observe", read_observe);
    if (const auto* mode = reader.find("mode")) {
        service.mode = read_mode(*mode, "`mode` of " + reader.what(), found);
        service.origins.mode = mode->origin;
    }
}

}  // namespace weir

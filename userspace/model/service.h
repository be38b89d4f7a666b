// SPDX-License-Identifier: Apache-2.0
// A service of the mesh as plain values: its addresses, ports, endpoints and subsets, and how it is
// treated. Knows nothing of where it is written but the place.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "maps/addr.h"
#include "userspace/model/origin.h"

namespace weir {

enum class Algorithm { kRandom, kRoundRobin, kLeastConnections, kLeastLatency, kConsistentHash };
enum class Protocol { kTcp, kUdp };
enum class Mode { kSteer, kObserve, kOff };  // as WEIR_MODE_*

// As the mesh file spells it.
std::string_view algorithm_name(Algorithm algorithm);
std::string_view protocol_name(Protocol protocol);
std::string_view mode_name(Mode mode);

// "80/TCP"
std::string port_number_str(std::uint16_t port, Protocol protocol);

using Labels = std::map<std::string, std::string>;

// "app=orders,version=v1"
std::string labels_str(const Labels& labels);

struct Port {
    std::string name;               // may be empty
    std::uint16_t port = 0;         // clients connect to it
    std::uint16_t target_port = 0;  // endpoints listen on it
    Protocol protocol = Protocol::kTcp;
    std::string app_protocol{};  // what is spoken, as in Kubernetes; may be empty
    Origin origin{};
    bool operator==(const Port&) const = default;
};

// An address, and where it is written.
struct ServiceAddress {
    Addr addr;
    Origin origin{};
    bool operator==(const ServiceAddress&) const = default;
};

struct Endpoint {
    Addr addr;
    std::uint32_t weight = 1;  // 0 = no new connections
    std::string zone{};        // may be empty
    Labels labels{};
    Origin origin{};
    bool operator==(const Endpoint&) const = default;
};

// Endpoints that have these labels, and which share of the connects they get.
struct Subset {
    std::string name;
    Labels labels{};
    std::uint32_t weight = 1;  // beside those of the other subsets; 0 = no new connections
    Origin origin{};
    bool operator==(const Subset&) const = default;
};

// Where the settings of a service are written; line 0 = nowhere: the default holds.
struct ServiceOrigins {
    Origin algorithm, slow_start, subset_by, affinity, outliers, limits, timeouts, datagrams,
        events, mode, zone;
    bool operator==(const ServiceOrigins&) const = default;
};

// Endpoints whose connects fail are left out for a while (bpf/core/health.h).
struct OutlierDetection {
    std::uint16_t consecutive_failures = 0;  // so many eject an endpoint; 0 = none do
    std::uint16_t max_percent = 50;          // of the endpoints, out at once
    std::uint32_t base_ms = 2000;            // the first ejection; longer with each that follows
    std::uint16_t min_in_percent = 0;        // with fewer in, all are used; 0 = with none
    std::uint16_t fail_percent = 0;          // of the connects of a window eject; 0 = none do …
    std::uint16_t fail_least = 20;           // … when there are so many of them
    std::uint32_t window_ms = 10'000;
    // Of UDP ports: so long without an answer is a failure; 0 = it is not; not given: answers.h.
    std::optional<std::uint32_t> answer_ms;
    bool operator==(const OutlierDetection&) const = default;
};

// What this node's callers may have of a service port (bpf/limits.bpf.h); 0 = as much as they like.
struct Limits {
    std::uint32_t connections = 0;   // open at once
    std::uint32_t per_endpoint = 0;  // to each endpoint
    std::uint32_t per_second = 0;    // begun by each client workload
    std::uint32_t burst = 0;         // begun at once, after a while without any
    bool operator==(const Limits&) const = default;
};
// "1000 connections, 100 per endpoint, 50/s, burst 100"; "" where there are none.
std::string limits_str(const Limits& limits);

// Deadlines of a service's TCP connections (bpf/deadlines.bpf.h); 0 = as the kernel has it.
struct Timeouts {
    std::uint32_t connect_ms = 0;
    std::uint32_t tcp_user_ms = 0;  // data unacknowledged
    std::uint32_t idle_ms = 0;      // no data either way: kept by the agent
    std::uint32_t keepalive_time_s = 0, keepalive_interval_s = 0, keepalive_probes = 0;
    bool operator==(const Timeouts&) const = default;
};
// "connect 500ms, tcpUser 10s, idle 1h, keepalive 30s + 3 x 10s"; "" where there are none.
std::string timeouts_str(const Timeouts& timeouts);

// How a service is treated; each of its ports by itself.
struct ServiceSettings {
    Algorithm algorithm = Algorithm::kRandom;
    std::uint32_t slow_start_ms = 0;  // who comes has its whole share after it; 0 = at once
    bool prefers_zone = false;        // endpoints in the node's zone come first
    bool subset_by_workload = false;  // who calls decides on its subset; else the turn
    std::uint32_t affinity_s = 0;     // a client keeps its endpoint for so long; 0 = not
    OutlierDetection outliers{};
    Limits limits{};
    Timeouts timeouts{};
    std::optional<std::uint32_t> events_every;  // share.h; not given: as the node has it
    bool counts_datagrams = false;              // of its UDP ports, and their bytes
    Mode mode = Mode::kSteer;
    bool operator==(const ServiceSettings&) const = default;
};

struct Service : ServiceSettings {
    std::string name;  // "orders.shop": the part after the first dot is the namespace
    std::vector<ServiceAddress> addresses;
    std::vector<Port> ports;
    std::vector<Endpoint> endpoints;
    std::vector<Subset> subsets;  // by name; at most WEIR_SUBSETS_MAX
    ServiceOrigins origins{};
    Origin origin{};
    bool operator==(const Service&) const = default;
};

// "3 failures, 2s, at most 50 %", and what else is asked for; "" where it is off.
std::string outlier_detection_str(const Service& service);
// "workload", "connection"; "" without subsets.
std::string_view subset_by_str(const Service& service);
// "PreferSameZone"; "" where zones are all alike.
std::string_view traffic_distribution_str(const Service& service);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include "userspace/model/snapshot.h"

#include <set>

#include "userspace/model/answers.h"
#include "userspace/model/duration.h"

namespace weir {

std::string_view algorithm_name(Algorithm algorithm) {
    switch (algorithm) {
        case Algorithm::kRandom: return "random";
        case Algorithm::kRoundRobin: return "round-robin";
        case Algorithm::kLeastConnections: return "least-connections";
        case Algorithm::kLeastLatency: return "least-latency";
        case Algorithm::kConsistentHash: return "consistent-hash";
    }
    return "";
}

std::string_view mode_name(Mode mode) {
    return mode == Mode::kSteer ? "steer" : mode == Mode::kObserve ? "observe" : "off";
}

std::string_view protocol_name(Protocol protocol) {
    return protocol == Protocol::kUdp ? "UDP" : "TCP";
}

std::string port_number_str(std::uint16_t port, Protocol protocol) {
    return std::to_string(port) + "/" + std::string(protocol_name(protocol));
}

std::string labels_str(const Labels& labels) {
    std::string text;
    for (const auto& [key, value] : labels)
        text += (text.empty() ? "" : ",") + key + "=" + value;
    return text;
}

std::string outlier_detection_str(const Service& service) {
    const auto& outliers = service.outliers;
    if (outliers.consecutive_failures == 0)
        return "";
    std::string text = std::to_string(outliers.consecutive_failures) + " failures";
    if (outliers.fail_percent != 0)
        text += " or " + std::to_string(outliers.fail_percent) + " % of " +
                std::to_string(outliers.fail_least) + " in " +
                duration_str(std::chrono::milliseconds(outliers.window_ms));
    text += ", " + duration_str(std::chrono::milliseconds(outliers.base_ms)) + ", at most " +
            std::to_string(outliers.max_percent) + " %";
    if (outliers.min_in_percent != 0)
        text += ", panic below " + std::to_string(outliers.min_in_percent) + " %";
    std::set<std::uint32_t> answers;
    for (const auto& port : service.ports)
        answers.insert(answer_ms_of(service, port));
    answers.erase(0);
    for (const auto ms : answers)
        text += ", answers within " + duration_str(std::chrono::milliseconds(ms));
    return text;
}

std::string limits_str(const Limits& limits) {
    std::string text;
    const auto add = [&](std::uint32_t value, const char* before, const char* after) {
        if (value != 0)
            text += (text.empty() ? "" : ", ") + (before + std::to_string(value)) + after;
    };
    add(limits.connections, "", " connections");
    add(limits.per_endpoint, "", " per endpoint");
    add(limits.per_second, "", "/s");
    add(limits.burst, "burst ", "");
    return text;
}

std::string timeouts_str(const Timeouts& timeouts) {
    std::string text;
    const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
    if (timeouts.connect_ms != 0)
        add("connect " + duration_str(std::chrono::milliseconds(timeouts.connect_ms)));
    if (timeouts.tcp_user_ms != 0)
        add("tcpUser " + duration_str(std::chrono::milliseconds(timeouts.tcp_user_ms)));
    if (timeouts.idle_ms != 0)
        add("idle " + duration_str(std::chrono::milliseconds(timeouts.idle_ms)));
    if (timeouts.keepalive_time_s != 0)
        add("keepalive " + duration_str(std::chrono::seconds(timeouts.keepalive_time_s)) + " + " +
            std::to_string(timeouts.keepalive_probes) + " x " +
            duration_str(std::chrono::seconds(timeouts.keepalive_interval_s)));
    return text;
}

std::string_view subset_by_str(const Service& service) {
    if (service.subsets.empty())
        return "";
    return service.subset_by_workload ? "workload" : "connection";
}

std::string_view traffic_distribution_str(const Service& service) {
    return service.prefers_zone ? "PreferSameZone" : "";
}

std::string_view namespace_of(std::string_view name) {
    const auto dot = name.find('.');
    return dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
}

std::string_view short_name_of(std::string_view name) {
    return name.substr(0, name.find('.'));
}

}  // namespace weir

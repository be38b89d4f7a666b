// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/metrics/node_families.h"

#include <algorithm>

#include "userspace/observe/views/names.h"

namespace weir {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr std::size_t kSwitchesMost = 20;         // `weir status` lists them all
constexpr std::size_t kOutlierServicesMost = 50;  // `weir endpoints` has them all

void add_mesh_families(std::vector<MetricFamily>& all, const StatusView& status,
                       const ScrapeInput& input) {
    const auto one = [&](const char* name, const char* help, MetricType type, double value,
                         const MetricLabels& labels = {}) {
        all.push_back(metric_family(name, help, type));
        add_metric(all.back(), labels, value);
    };
    one("weir_build_info", "Version of the running agent.", MetricType::Gauge, 1,
        {{"version", input.agent.version}, {"zone", input.zone}});
    one("weir_mesh_generation", "Generation of the mesh that is in the kernel.", MetricType::Gauge,
        static_cast<double>(status.generation));
    one("weir_mesh_services", "Services in the mesh in force.", MetricType::Gauge, status.services);
    one("weir_mesh_endpoints", "Endpoints in the mesh in force.", MetricType::Gauge,
        status.endpoints);
    one("weir_mesh_last_read_successful",
        "1 when the mesh directory as it is now is in force, 0 when it is bad or not taken.",
        MetricType::Gauge,
        input.agent.meshErrors.empty() && input.agent.applyError.empty() ? 1 : 0);
    one("weir_mesh_stale_seconds",
        "How long the mesh in force has not been what the directory says.", MetricType::Gauge,
        input.agent.staleSeconds);
    one("weir_mesh_reads_total", "How often the mesh directory was read.", MetricType::Counter,
        static_cast<double>(input.agent.meshReads));
    one("weir_mesh_rejections_total", "How often what was read was bad.", MetricType::Counter,
        static_cast<double>(input.agent.meshRejections));
    one("weir_mesh_saved", "1 when the last good mesh is saved for a restart.", MetricType::Gauge,
        input.agent.saveError.empty() ? 1 : 0);
    one("weir_mesh_refused",
        "Service ports and workloads that stayed as they were since a table has no room.",
        MetricType::Gauge, static_cast<double>(input.agent.refused.size()));
}

void add_kernel_families(std::vector<MetricFamily>& all, const StatusView& status) {
    all.push_back(metric_family("weir_agent_heartbeat_age_seconds",
                                "Time since the agent's loop last turned.", MetricType::Gauge));
    add_metric(all.back(), {}, status.heartbeatAgeSeconds);
    auto used = metric_family("weir_table_entries", "Rows in use.", MetricType::Gauge);
    auto size = metric_family("weir_table_capacity", "Rows there are.", MetricType::Gauge);
    for (const auto& fill : status.tables) {
        add_metric(used, {{"table", fill.table}}, static_cast<double>(fill.used));
        add_metric(size, {{"table", fill.table}}, static_cast<double>(fill.capacity));
    }
    all.push_back(std::move(used));
    all.push_back(std::move(size));
    auto reasons = metric_family("weir_kernel_events_total",
                                 "What the kernel programs refused or could not do, by reason.",
                                 MetricType::Counter);
    for (const auto& reason : status.reasons)
        add_metric(reasons, {{"reason", reason.name}}, static_cast<double>(reason.count));
    all.push_back(std::move(reasons));
    auto hooks =
        metric_family("weir_hook_attached", "1 when the program is attached.", MetricType::Gauge);
    for (const auto& hook : status.hooks)
        add_metric(hooks, {{"program", hook.name}}, hook.attached ? 1 : 0);
    all.push_back(std::move(hooks));
}

// What is off by hand; returns how many series more there may be.
std::size_t add_switch_families(std::vector<MetricFamily>& all, const StatusView& status) {
    const auto switches = std::min(status.switches.size(), kSwitchesMost);
    auto off = metric_family("weir_switched_off_seconds",
                             "For how much longer weir is off by hand; no service: the whole node.",
                             MetricType::Gauge);
    auto held = metric_family("weir_endpoint_ejected_by_hand_seconds",
                              "For how much longer an endpoint is out by hand.", MetricType::Gauge);
    double detection = 0;
    for (std::size_t i = 0; i < switches; i++) {
        const auto& one = status.switches.at(i);
        if (one.what == "steering")
            add_metric(off, {{"destination_service", one.service}}, one.secondsLeft);
        else if (one.what == "endpoint")
            add_metric(
                held,
                {{"destination_service", one.service}, {"destination_endpoint", one.endpoint}},
                one.secondsLeft);
        else
            detection = one.secondsLeft;
    }
    all.push_back(std::move(off));
    all.push_back(std::move(held));
    all.push_back(metric_family(
        "weir_outlier_detection_off_seconds",
        "For how much longer outlier detection is off by hand on this node.", MetricType::Gauge));
    add_metric(all.back(), {}, detection);
    return kSwitchesMost - switches;
}

// Of services that ever had an endpoint out; returns how many series more there may be.
std::size_t add_outlier_families(std::vector<MetricFamily>& all, const ScrapeViews& views) {
    constexpr std::size_t kOfService = 3;
    all.push_back(metric_family("weir_outlier_ejected_endpoints", "Endpoints that are out now.",
                                MetricType::Gauge));
    add_metric(all.back(), {}, views.status.ejected);
    auto sorted = views.outliers;
    std::stable_sort(sorted.begin(), sorted.end(), [](const OutlierView& a, const OutlierView& b) {
        return std::pair(a.panics, a.ejections) > std::pair(b.panics, b.ejections);
    });
    sorted.resize(std::min(sorted.size(), kOutlierServicesMost));
    auto ejections = metric_family("weir_service_ejections_total",
                                   "Ejections of its endpoints, tries that failed included.",
                                   MetricType::Counter);
    auto ejected = metric_family("weir_service_ejected_endpoints",
                                 "Endpoints of the service that are out now.", MetricType::Gauge);
    auto panic = metric_family("weir_service_in_panic",
                               "1 when, in the last minute, a connect found too few of the "
                               "service's endpoints in, and all were used.",
                               MetricType::Gauge);
    for (const auto& one : sorted) {
        const MetricLabels labels{
            {"destination_service", one.service},
            {"destination_service_name", std::string(short_name_of(one.service))},
            {"destination_service_namespace", std::string(namespace_of(one.service))},
            {"destination_port", std::to_string(one.port)},
            {"request_protocol", one.protocol == "UDP" ? "udp" : "tcp"}};
        add_metric(ejections, labels, static_cast<double>(one.ejections));
        add_metric(ejected, labels, one.ejected);
        add_metric(panic, labels, one.panics ? 1 : 0);
    }
    for (auto* made : {&ejections, &ejected, &panic})
        all.push_back(std::move(*made));
    return kOfService * (kOutlierServicesMost - sorted.size());
}

void add_counts(std::vector<MetricFamily>& all, const StatusView& status,
                const ScrapeInput& input) {
    const auto count = [&](const char* name, const char* help, std::uint64_t value) {
        all.push_back(metric_family(name, help, MetricType::Counter));
        add_metric(all.back(), {}, static_cast<double>(value));
    };
    count("weir_hooks_reattached_total",
          "Hooks and pins that others took away and the agent restored.", status.relinked);
    count("weir_rows_repaired_total", "Rows that others changed and the agent wrote again.",
          status.repaired);
    count("weir_events_produced_total", "Events of connections and flows.", status.events.produced);
    count("weir_events_delivered_total", "Events that the agent has taken.",
          status.events.delivered);
    count("weir_events_lost_total", "Events that nobody took in time.", status.events.lost);
    count("weir_log_lines_dropped_total", "Log lines that did not fit their queue.",
          input.log_lines_dropped);
    count("weir_http_connections_refused_total",
          "HTTP and control connections refused: too many, or a peer without the right.",
          input.http_refused);
    all.push_back(metric_family("weir_upkeep_failures_total",
                                "What the agent does every second or so and could not do, by task.",
                                MetricType::Counter));
    for (const auto& one : input.agent.upkeep)
        add_metric(all.back(), {{"task", one.task}}, static_cast<double>(one.failures));
}

}  // namespace

std::size_t add_node_families(std::vector<MetricFamily>& all, const ScrapeViews& views,
                              const ScrapeInput& input) {
    add_mesh_families(all, views.status, input);
    add_kernel_families(all, views.status);
    const auto room_for_switches = add_switch_families(all, views.status);
    const auto room_for_outliers = add_outlier_families(all, views);
    add_counts(all, views.status, input);
    return room_for_switches + room_for_outliers;
}

}  // namespace weir

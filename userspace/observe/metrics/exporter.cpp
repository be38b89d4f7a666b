// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/metrics/exporter.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>

#include "userspace/observe/views/edges.h"

namespace weir {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<std::pair<std::string, std::string>>;

MetricFamily family(const std::string& name, const std::string& help, MetricType type) {
    MetricFamily made;
    made.name = name;
    made.help = help;
    made.type = type;
    return made;
}

void add(MetricFamily& family, const Labels& labels, double value) {
    ClientMetric metric;
    for (const auto& [name, text] : labels)
        metric.label.push_back({name, text});
    if (family.type == MetricType::Counter)
        metric.counter.value = value;
    else
        metric.gauge.value = value;
    family.metric.push_back(std::move(metric));
}

// Upper limits of buckets, as powers of two of a microsecond: there the kernel's buckets end too,
// so that nothing is estimated. With +Inf there are 16.
using Limits = std::array<unsigned, 15>;
constexpr Limits kConnectLimits{5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22};
constexpr Limits kRttLimits{4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};
constexpr Limits kFirstByteLimits{7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22};

ClientMetric histogram_metric(const Labels& labels, const Histogram& times, const Limits& limits) {
    ClientMetric metric;
    for (const auto& [name, text] : labels)
        metric.label.push_back({name, text});
    for (const auto limit : limits)
        metric.histogram.bucket.push_back(
            {times.count_below(limit), static_cast<double>(std::uint64_t{1} << limit) / 1e6});
    metric.histogram.sample_count = times.count();
    metric.histogram.sample_sum = times.sum();
    return metric;
}

// Istio's standard labels for a connection as its source reports it.
Labels edge_labels(const EdgeView& edge) {
    return {{"reporter", "source"},
            {"source_workload", std::string(short_name_of(edge.workload))},
            {"source_workload_namespace", std::string(namespace_of(edge.workload))},
            {"destination_service", edge.service},
            {"destination_service_name", std::string(short_name_of(edge.service))},
            {"destination_service_namespace", std::string(namespace_of(edge.service))},
            {"destination_port", edge.port == 0 ? "other" : std::to_string(edge.port)},
            {"request_protocol", edge.protocol == "UDP" ? "udp" : "tcp"}};
}

Labels endpoint_labels(const EdgeView& edge) {
    auto labels = edge_labels(edge);
    labels.emplace_back("destination_endpoint", edge.endpoint);
    return labels;
}

std::size_t series_of(const std::vector<MetricFamily>& families) {
    std::size_t count = 0;
    for (const auto& family : families)
        for (const auto& metric : family.metric)
            count += family.type == MetricType::Histogram
                         ? metric.histogram.bucket.size() + 3  // +Inf, sum and count
                         : 1;
    return count;
}

class Collector {
  public:
    Collector(StatusView status, const ScrapeInput& input)
        : status_(std::move(status)), input_(input) {}

    std::vector<MetricFamily> collect(const std::vector<EdgeView>& edges,
                                      const std::vector<UnmanagedView>& unmanaged,
                                      SeriesBudget& budget) {
        std::vector<MetricFamily> all;
        collect_mesh(all);
        collect_node(all);
        constexpr std::size_t kOfBudget = 3;
        // What may come and go has its room, whether it is there or not.
        const auto taken = series_of(all) - status_switches() + kSwitchesMost + kOfBudget;
        exported_ = budget.divide(edges, unmanaged, taken);
        collect_edges(all);
        collect_traffic(all);
        collect_datagrams(all);
        collect_failures(all);
        collect_times(all);
        collect_unmanaged(all);
        collect_budget(all, budget.most());
        return all;
    }

  private:
    static constexpr std::size_t kSwitchesMost = 20;  // `weir status` lists them all
    std::size_t status_switches() const { return std::min(status_.switches.size(), kSwitchesMost); }

    void collect_budget(std::vector<MetricFamily>& all, std::size_t most) const {
        const auto one = [&](const char* name, const char* help, double value) {
            all.push_back(family(name, help, MetricType::Gauge));
            add(all.back(), {}, value);
        };
        one("weir_metrics_series_limit", "How many series there may be (metrics.maxSeries).",
            static_cast<double>(most));
        one("weir_metrics_other_ratio",
            "Share of connects that are summed into \"other\" for want of series.",
            exported_.other_ratio);
        one("weir_metrics_series", "Series of this answer.",
            static_cast<double>(series_of(all) + 1));
    }

    void collect_edges(std::vector<MetricFamily>& all) const {
        const auto collect = [&](const char* protocol, const char* name, const char* help,
                                 MetricType type, std::uint64_t EdgeCounts::* count) {
            auto made = family(name, help, type);
            for (const auto& edge : exported_.edges)
                if (edge.protocol == protocol)
                    add(made, endpoint_labels(edge), static_cast<double>(edge.counts.*count));
            all.push_back(std::move(made));
        };
        const auto counter = MetricType::Counter, gauge = MetricType::Gauge;
        collect("TCP", "istio_tcp_connections_opened_total",
                "Connects that weir answered for a service, failed ones included.", counter,
                &EdgeCounts::opened);
        collect("TCP", "istio_tcp_connections_closed_total",
                "Connections that were established and ended.", counter, &EdgeCounts::closed);
        collect("TCP", "istio_tcp_connections_failed_total",
                "Connects that ended before they were established, or before a byte came.", counter,
                &EdgeCounts::failed);
        collect("TCP", "weir_tcp_connections_untracked_total",
                "Connects steered without socket storage, whose end is unknown.", counter,
                &EdgeCounts::untracked);
        collect("TCP", "weir_tcp_connections_active",
                "Connections and connects that have not ended.", gauge, &EdgeCounts::active);
        collect("UDP", "weir_udp_flows_opened_total",
                "UDP flows (one socket to one service) that weir answered, refused ones included.",
                counter, &EdgeCounts::opened);
        collect("UDP", "weir_udp_flows_closed_total", "UDP flows that ended.", counter,
                &EdgeCounts::closed);
        collect("UDP", "weir_udp_flows_failed_total", "UDP connects and datagrams refused.",
                counter, &EdgeCounts::failed);
        collect("UDP", "weir_udp_flows_untracked_total", "UDP flows whose end is unknown.", counter,
                &EdgeCounts::untracked);
        collect("UDP", "weir_udp_flows_active", "UDP flows that have not ended.", gauge,
                &EdgeCounts::active);
    }

    // Istio's "sent" and "received" are the endpoint's: sent is what the caller received.
    void collect_traffic(std::vector<MetricFamily>& all) const {
        const auto collect = [&](const char* name, const char* help,
                                 std::uint64_t EdgeCounts::* count) {
            auto made = family(name, help, MetricType::Counter);
            for (const auto& edge : exported_.edges)
                if (edge.protocol == "TCP")
                    add(made, endpoint_labels(edge), static_cast<double>(edge.counts.*count));
            all.push_back(std::move(made));
        };
        collect("istio_tcp_sent_bytes_total", "Payload bytes sent by the endpoint to the caller.",
                &EdgeCounts::bytes_received);
        collect("istio_tcp_received_bytes_total",
                "Payload bytes that the endpoint received from the caller.",
                &EdgeCounts::bytes_sent);
        collect("weir_tcp_retransmits_total", "Segments that the caller's side sent again.",
                &EdgeCounts::retransmits);
        auto resets = family("weir_tcp_resets_total", "Connections cut off by a reset, by whom.",
                             MetricType::Counter);
        for (const auto& edge : exported_.edges) {
            if (edge.protocol != "TCP")
                continue;
            auto labels = endpoint_labels(edge);
            labels.emplace_back("by", "caller");
            add(resets, labels, static_cast<double>(edge.counts.resets_sent));
            labels.back().second = "endpoint";
            add(resets, labels, static_cast<double>(edge.counts.resets_received));
        }
        all.push_back(std::move(resets));
    }

    // Of those that were counted at all: services ask for it.
    void collect_datagrams(std::vector<MetricFamily>& all) const {
        const auto collect = [&](const char* name, const char* help,
                                 std::uint64_t EdgeCounts::* caller,
                                 std::uint64_t EdgeCounts::* endpoint) {
            auto made = family(name, help, MetricType::Counter);
            for (const auto& edge : exported_.edges) {
                const auto& counts = edge.counts;
                if (edge.protocol != "UDP" ||
                    counts.datagrams_sent + counts.datagrams_received == 0)
                    continue;
                auto labels = endpoint_labels(edge);
                labels.emplace_back("by", "caller");
                add(made, labels, static_cast<double>(counts.*caller));
                labels.back().second = "endpoint";
                add(made, labels, static_cast<double>(counts.*endpoint));
            }
            all.push_back(std::move(made));
        };
        collect("weir_udp_datagrams_total", "Datagrams, by who sent them.",
                &EdgeCounts::datagrams_sent, &EdgeCounts::datagrams_received);
        collect("weir_udp_bytes_total", "Payload bytes of datagrams, by who sent them.",
                &EdgeCounts::bytes_sent, &EdgeCounts::bytes_received);
    }

    // Every reason of those that failed at all, so that a rate sees the first one.
    void collect_failures(std::vector<MetricFamily>& all) const {
        auto made =
            family("weir_connection_failures_total",
                   "Failed connects, and refused datagrams, by reason.", MetricType::Counter);
        for (const auto& edge : exported_.failures)
            for (std::size_t i = 0; i < kFailureNames.size(); i++) {
                auto labels = edge_labels(edge);
                labels.emplace_back("reason", kFailureNames.at(i).name);
                add(made, labels, static_cast<double>(edge.counts.failed_by.at(i)));
            }
        all.push_back(std::move(made));
    }

    void collect_times(std::vector<MetricFamily>& all) const {
        const auto collect = [&](const char* name, const char* help, const Limits& limits,
                                 Histogram Latencies::* histogram) {
            auto made = family(name, help, MetricType::Histogram);
            for (const auto& edge : exported_.times)
                if (const auto& times = edge.latencies.*histogram; times.count() != 0)
                    made.metric.push_back(histogram_metric(edge_labels(edge), times, limits));
            all.push_back(std::move(made));
        };
        collect("weir_tcp_connect_seconds",
                "From connect() to the end of the handshake; failed connects are not in it.",
                kConnectLimits, &Latencies::connect);
        collect("weir_tcp_rtt_seconds",
                "Smoothed round trip times: one per connection at its end, and every few seconds.",
                kRttLimits, &Latencies::rtt);
        collect("weir_tcp_first_byte_seconds",
                "From the last byte sent to the first byte of the answer, on sampled connections.",
                kFirstByteLimits, &Latencies::first_byte);
        auto left_out = family("weir_tcp_first_byte_left_out_total",
                               "Sampled connections with several requests on their way at once.",
                               MetricType::Counter);
        for (const auto& edge : exported_.times)
            if (edge.latencies.first_byte.count() + edge.latencies.left_out != 0)
                add(left_out, edge_labels(edge), static_cast<double>(edge.latencies.left_out));
        all.push_back(std::move(left_out));
    }

    void collect_unmanaged(std::vector<MetricFamily>& all) const {
        auto made = family("weir_unmanaged_connects_total",
                           "Connects that go to no service, by caller and destination.",
                           MetricType::Counter);
        for (const auto& row : exported_.unmanaged)
            add(made,
                {{"source_workload", std::string(short_name_of(row.workload))},
                 {"source_workload_namespace", std::string(namespace_of(row.workload))},
                 {"destination", row.destination},
                 {"request_protocol", row.protocol == "UDP" ? "udp" : "tcp"}},
                static_cast<double>(row.connects));
        all.push_back(std::move(made));
    }

    void collect_mesh(std::vector<MetricFamily>& all) const {
        const auto one = [&](const char* name, const char* help, MetricType type, double value,
                             const Labels& labels = {}) {
            all.push_back(family(name, help, type));
            add(all.back(), labels, value);
        };
        one("weir_build_info", "Version of the running agent.", MetricType::Gauge, 1,
            {{"version", input_.agent.version}, {"zone", input_.zone}});
        one("weir_mesh_generation", "Generation of the mesh that is in the kernel.",
            MetricType::Gauge, static_cast<double>(status_.generation));
        one("weir_mesh_services", "Services in the mesh in force.", MetricType::Gauge,
            status_.services);
        one("weir_mesh_endpoints", "Endpoints in the mesh in force.", MetricType::Gauge,
            status_.endpoints);
        one("weir_mesh_last_read_successful",
            "1 when the mesh directory as it is now is in force, 0 when it is bad or not taken.",
            MetricType::Gauge,
            input_.agent.meshErrors.empty() && input_.agent.applyError.empty() ? 1 : 0);
        one("weir_mesh_stale_seconds",
            "How long the mesh in force has not been what the directory says.", MetricType::Gauge,
            input_.agent.staleSeconds);
        one("weir_mesh_reads_total", "How often the mesh directory was read.", MetricType::Counter,
            static_cast<double>(input_.agent.meshReads));
        one("weir_mesh_rejections_total", "How often what was read was bad.", MetricType::Counter,
            static_cast<double>(input_.agent.meshRejections));
        one("weir_mesh_saved", "1 when the last good mesh is saved for a restart.",
            MetricType::Gauge, input_.agent.saveError.empty() ? 1 : 0);
        one("weir_mesh_refused",
            "Service ports and workloads that stayed as they were since a table has no room.",
            MetricType::Gauge, static_cast<double>(input_.agent.refused.size()));
    }

    void collect_node(std::vector<MetricFamily>& all) const {
        all.push_back(family("weir_agent_heartbeat_age_seconds",
                             "Time since the agent's loop last turned.", MetricType::Gauge));
        add(all.back(), {}, status_.heartbeatAgeSeconds);
        auto used = family("weir_table_entries", "Rows in use.", MetricType::Gauge);
        auto size = family("weir_table_capacity", "Rows there are.", MetricType::Gauge);
        for (const auto& fill : status_.tables) {
            add(used, {{"table", fill.table}}, static_cast<double>(fill.used));
            add(size, {{"table", fill.table}}, static_cast<double>(fill.capacity));
        }
        all.push_back(std::move(used));
        all.push_back(std::move(size));
        auto reasons = family("weir_kernel_events_total",
                              "What the kernel programs refused or could not do, by reason.",
                              MetricType::Counter);
        for (const auto& reason : status_.reasons)
            add(reasons, {{"reason", reason.name}}, static_cast<double>(reason.count));
        all.push_back(std::move(reasons));
        auto hooks =
            family("weir_hook_attached", "1 when the program is attached.", MetricType::Gauge);
        for (const auto& hook : status_.hooks)
            add(hooks, {{"program", hook.name}}, hook.attached ? 1 : 0);
        all.push_back(std::move(hooks));
        auto off = family("weir_switched_off_seconds",
                          "For how much longer weir is off by hand; no service: the whole node.",
                          MetricType::Gauge);
        auto held = family("weir_endpoint_ejected_by_hand_seconds",
                           "For how much longer an endpoint is out by hand.", MetricType::Gauge);
        double detection = 0;
        for (std::size_t i = 0; i < status_switches(); i++) {
            const auto& one = status_.switches.at(i);
            if (one.what == "steering")
                add(off, {{"destination_service", one.service}}, one.secondsLeft);
            else if (one.what == "endpoint")
                add(held,
                    {{"destination_service", one.service}, {"destination_endpoint", one.endpoint}},
                    one.secondsLeft);
            else
                detection = one.secondsLeft;
        }
        all.push_back(std::move(off));
        all.push_back(std::move(held));
        all.push_back(family("weir_outlier_detection_off_seconds",
                             "For how much longer outlier detection is off by hand on this node.",
                             MetricType::Gauge));
        add(all.back(), {}, detection);
        const auto count = [&](const char* name, const char* help, std::uint64_t value) {
            all.push_back(family(name, help, MetricType::Counter));
            add(all.back(), {}, static_cast<double>(value));
        };
        all.push_back(family("weir_outlier_ejected_endpoints", "Endpoints that are out now.",
                             MetricType::Gauge));
        add(all.back(), {}, status_.ejected);
        count("weir_hooks_reattached_total",
              "Hooks and pins that others took away and the agent restored.", status_.relinked);
        count("weir_rows_repaired_total", "Rows that others changed and the agent wrote again.",
              status_.repaired);
        count("weir_events_produced_total", "Events of connections and flows.",
              status_.events.produced);
        count("weir_events_delivered_total", "Events that the agent has taken.",
              status_.events.delivered);
        count("weir_events_lost_total", "Events that nobody took in time.", status_.events.lost);
        count("weir_log_lines_dropped_total", "Log lines that did not fit their queue.",
              input_.log_lines_dropped);
        count("weir_http_connections_refused_total",
              "HTTP and control connections refused: too many, or a peer without the right.",
              input_.http_refused);
    }

    ExportedEdges exported_;
    StatusView status_;
    const ScrapeInput& input_;
};

}  // namespace

Result<ScrapeViews> read_scrape(const ScrapeInput& input) {
    ScrapeViews views;
    WEIR_TRY(const auto names, Names::read(*input.tables, *input.snapshot));
    WEIR_TRY(views.edges, edge_views(*input.tables, names));
    WEIR_TRY(views.unmanaged, unmanaged_views(*input.tables, names));
    WEIR_TRY(views.status,
             status_view(*input.tables, *input.snapshot, names, input.hooks, &input.agent));
    return views;
}

std::string render_metrics(ScrapeViews views, const ScrapeInput& input, SeriesBudget& budget) {
    Collector collector(std::move(views.status), input);
    return prometheus::TextSerializer().Serialize(
        collector.collect(views.edges, views.unmanaged, budget));
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/metrics/exporter.h"

#include <prometheus/text_serializer.h>

#include <array>

#include "userspace/observe/metrics/node_families.h"
#include "userspace/observe/views/edges.h"

namespace weir {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// Upper limits of buckets, as powers of two of a microsecond: there the kernel's buckets end too,
// so that nothing is estimated. With +Inf there are 16.
using BucketLimits = std::array<unsigned, 15>;
constexpr BucketLimits kConnectLimits{5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22};
constexpr BucketLimits kRttLimits{4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};
constexpr BucketLimits kFirstByteLimits{7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22};

ClientMetric histogram_metric(const MetricLabels& labels, const Histogram& times,
                              const BucketLimits& limits) {
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
MetricLabels edge_labels(const EdgeView& edge) {
    return {{"reporter", "source"},
            {"source_workload", std::string(short_name_of(edge.workload))},
            {"source_workload_namespace", std::string(namespace_of(edge.workload))},
            {"destination_service", edge.service},
            {"destination_service_name", std::string(short_name_of(edge.service))},
            {"destination_service_namespace", std::string(namespace_of(edge.service))},
            {"destination_port", edge.port == 0 ? "other" : std::to_string(edge.port)},
            {"request_protocol", edge.protocol == "UDP" ? "udp" : "tcp"}};
}

MetricLabels endpoint_labels(const EdgeView& edge) {
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
    std::vector<MetricFamily> collect(const ScrapeViews& views, const ScrapeInput& input,
                                      SeriesBudget& budget) {
        std::vector<MetricFamily> all;
        const auto kept_free = add_node_families(all, views, input);
        constexpr std::size_t kOfBudget = 3;
        exported_ =
            budget.divide(views.edges, views.unmanaged, series_of(all) + kept_free + kOfBudget);
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
    void collect_budget(std::vector<MetricFamily>& all, std::size_t most) const {
        const auto one = [&](const char* name, const char* help, double value) {
            all.push_back(metric_family(name, help, MetricType::Gauge));
            add_metric(all.back(), {}, value);
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
            auto made = metric_family(name, help, type);
            for (const auto& edge : exported_.edges)
                if (edge.protocol == protocol)
                    add_metric(made, endpoint_labels(edge),
                               static_cast<double>(edge.counts.*count));
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
            auto made = metric_family(name, help, MetricType::Counter);
            for (const auto& edge : exported_.edges)
                if (edge.protocol == "TCP")
                    add_metric(made, endpoint_labels(edge),
                               static_cast<double>(edge.counts.*count));
            all.push_back(std::move(made));
        };
        collect("istio_tcp_sent_bytes_total", "Payload bytes sent by the endpoint to the caller.",
                &EdgeCounts::bytes_received);
        collect("istio_tcp_received_bytes_total",
                "Payload bytes that the endpoint received from the caller.",
                &EdgeCounts::bytes_sent);
        collect("weir_tcp_retransmits_total", "Segments that the caller's side sent again.",
                &EdgeCounts::retransmits);
        auto resets =
            metric_family("weir_tcp_resets_total", "Connections cut off by a reset, by whom.",
                          MetricType::Counter);
        for (const auto& edge : exported_.edges) {
            if (edge.protocol != "TCP")
                continue;
            auto labels = endpoint_labels(edge);
            labels.emplace_back("by", "caller");
            add_metric(resets, labels, static_cast<double>(edge.counts.resets_sent));
            labels.back().second = "endpoint";
            add_metric(resets, labels, static_cast<double>(edge.counts.resets_received));
        }
        all.push_back(std::move(resets));
    }

    // Of those that were counted at all: services ask for it.
    void collect_datagrams(std::vector<MetricFamily>& all) const {
        const auto collect = [&](const char* name, const char* help,
                                 std::uint64_t EdgeCounts::* caller,
                                 std::uint64_t EdgeCounts::* endpoint) {
            auto made = metric_family(name, help, MetricType::Counter);
            for (const auto& edge : exported_.edges) {
                const auto& counts = edge.counts;
                if (edge.protocol != "UDP" ||
                    counts.datagrams_sent + counts.datagrams_received == 0)
                    continue;
                auto labels = endpoint_labels(edge);
                labels.emplace_back("by", "caller");
                add_metric(made, labels, static_cast<double>(counts.*caller));
                labels.back().second = "endpoint";
                add_metric(made, labels, static_cast<double>(counts.*endpoint));
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
        auto made = metric_family("weir_connection_failures_total",
                                  "Failed connects, and refused datagrams, by reason.",
                                  MetricType::Counter);
        for (const auto& edge : exported_.failures)
            for (std::size_t i = 0; i < kFailureNames.size(); i++) {
                auto labels = edge_labels(edge);
                labels.emplace_back("reason", kFailureNames.at(i).name);
                add_metric(made, labels, static_cast<double>(edge.counts.failed_by.at(i)));
            }
        all.push_back(std::move(made));
    }

    void collect_times(std::vector<MetricFamily>& all) const {
        const auto collect = [&](const char* name, const char* help, const BucketLimits& limits,
                                 Histogram Latencies::* histogram) {
            auto made = metric_family(name, help, MetricType::Histogram);
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
        auto left_out = metric_family(
            "weir_tcp_first_byte_left_out_total",
            "Sampled connections with several requests on their way at once.", MetricType::Counter);
        for (const auto& edge : exported_.times)
            if (edge.latencies.first_byte.count() + edge.latencies.left_out != 0)
                add_metric(left_out, edge_labels(edge),
                           static_cast<double>(edge.latencies.left_out));
        all.push_back(std::move(left_out));
    }

    void collect_unmanaged(std::vector<MetricFamily>& all) const {
        auto made = metric_family("weir_unmanaged_connects_total",
                                  "Connects that go to no service, by caller and destination.",
                                  MetricType::Counter);
        for (const auto& row : exported_.unmanaged)
            add_metric(made,
                       {{"source_workload", std::string(short_name_of(row.workload))},
                        {"source_workload_namespace", std::string(namespace_of(row.workload))},
                        {"destination", row.destination},
                        {"request_protocol", row.protocol == "UDP" ? "udp" : "tcp"}},
                       static_cast<double>(row.connects));
        all.push_back(std::move(made));
    }

    ExportedEdges exported_;
};

}  // namespace

Result<ScrapeViews> read_scrape(const ScrapeInput& input) {
    ScrapeViews views;
    WEIR_TRY(const auto names, Names::read(*input.tables, *input.snapshot));
    WEIR_TRY(views.edges, edge_views(*input.tables, names));
    WEIR_TRY(views.unmanaged, unmanaged_views(*input.tables, names));
    WEIR_TRY(views.outliers, outlier_views(*input.tables, names));
    WEIR_TRY(views.status,
             status_view(*input.tables, *input.snapshot, names, input.hooks, &input.agent));
    return views;
}

std::string render_metrics(const ScrapeViews& views, const ScrapeInput& input,
                           SeriesBudget& budget) {
    return prometheus::TextSerializer().Serialize(Collector().collect(views, input, budget));
}

}  // namespace weir

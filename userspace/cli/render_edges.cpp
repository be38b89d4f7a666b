// SPDX-License-Identifier: Apache-2.0
// Who talks to whom, as a table and as a graph. Knows no table of the kernel's.
#include <map>
#include <tuple>

#include "userspace/cli/render.h"
#include "userspace/observe/views/json.h"

namespace weir {
namespace {

std::string port_of(const EdgeView& edge) {
    return number(edge.port) + "/" + edge.protocol;
}

// "refused 3, timeout 1"
std::string why_failed(const EdgeCounts& counts) {
    std::string text;
    for (std::size_t i = 0; i < counts.failed_by.size(); i++)
        if (counts.failed_by.at(i) != 0)
            text += (text.empty() ? "" : ", ") + std::string(kFailureNames.at(i).name) + " " +
                    number(counts.failed_by.at(i));
    return text;
}

std::string success_of(const EdgeCounts& counts) {
    return counts.opened == 0 ? "-"
                              : percent(static_cast<double>(counts.opened - counts.failed) /
                                        static_cast<double>(counts.opened));
}

// All endpoints of a service port together.
std::vector<EdgeView> without_endpoints(const std::vector<EdgeView>& views) {
    std::map<std::tuple<std::string, std::uint16_t, std::string, std::string>, EdgeView> sums;
    for (const auto& view : views) {
        auto& sum = sums[{view.service, view.port, view.protocol, view.workload}];
        const auto counts = sum.counts;
        const auto latencies = sum.latencies;
        sum = view;
        sum.counts += counts;
        sum.latencies += latencies;
    }
    std::vector<EdgeView> edges;
    for (auto& [key, edge] : sums)
        edges.push_back(std::move(edge));
    return edges;
}

std::string render_dot(const std::vector<EdgeView>& edges) {
    std::string text = "digraph weir {\n  rankdir=LR;\n";
    for (const auto& edge : edges) {
        const auto& counts = edge.counts;
        text += "  \"" + edge.workload + "\" -> \"" + edge.service + "\" [label=\"" +
                port_of(edge) + "\\n" + number(counts.opened) + " opened, " + success_of(counts) +
                " well\"" + (counts.failed == 0 ? "" : ", color=red") + "];\n";
    }
    return text + "}\n";
}

std::string render_table(const std::vector<EdgeView>& edges) {
    Table table({"FROM", "TO", "PORT", "SUCCESS", "OPENED", "ACTIVE", "FAILED", "P50", "P99", "RTT",
                 "WHY"});
    for (const auto& edge : edges) {
        const auto& counts = edge.counts;
        table.add({edge.workload, edge.service, port_of(edge), success_of(counts),
                   number(counts.opened), number(counts.active), number(counts.failed),
                   time_cell(edge.latencies.first_byte, 0.5),
                   time_cell(edge.latencies.first_byte, 0.99), time_cell(edge.latencies.rtt, 0.5),
                   or_none(why_failed(counts))});
    }
    return table.str();
}

std::string render_wide(const std::vector<EdgeView>& edges) {
    Table table({"FROM",   "TO",        "PORT",     "ENDPOINT",  "SUCCESS", "OPENED", "ACTIVE",
                 "CLOSED", "UNTRACKED", "FAILED",   "CONNECT",   "P50",     "P95",    "P99",
                 "RTT",    "SENT",      "RECEIVED", "DATAGRAMS", "RETRANS", "RESETS", "WHY"});
    for (const auto& edge : edges) {
        const auto& counts = edge.counts;
        const auto& times = edge.latencies;
        // Of UDP they are counted where the service asks.
        const auto datagrams = counts.datagrams_sent + counts.datagrams_received;
        const auto bytes_cell = [&](std::uint64_t bytes) {
            return edge.protocol == "UDP" && datagrams == 0 ? "-" : short_bytes(bytes);
        };
        table.add({edge.workload,
                   edge.service,
                   port_of(edge),
                   edge.endpoint,
                   success_of(counts),
                   number(counts.opened),
                   number(counts.active),
                   number(counts.closed),
                   number(counts.untracked),
                   number(counts.failed),
                   time_cell(times.connect, 0.5),
                   time_cell(times.first_byte, 0.5),
                   time_cell(times.first_byte, 0.95),
                   time_cell(times.first_byte, 0.99),
                   time_cell(times.rtt, 0.5),
                   bytes_cell(counts.bytes_sent),
                   bytes_cell(counts.bytes_received),
                   datagrams == 0 ? "-" : number(datagrams),
                   number(counts.retransmits),
                   number(counts.resets_sent + counts.resets_received),
                   or_none(why_failed(counts))});
    }
    return table.str();
}

}  // namespace

std::string time_cell(const Histogram& histogram, double share) {
    const auto seconds = histogram.quantile(share);
    return seconds ? short_time(*seconds) : "-";
}

std::string render_edges(const std::vector<EdgeView>& views, Format format) {
    if (is_document(format))
        return render_document(document("EdgeList", {{"items", views}}), format);
    if (views.empty() && format != Format::kDot)
        return "Nobody has called a service yet.\n";
    if (format == Format::kWide)
        return render_wide(views);
    const auto edges = without_endpoints(views);
    return format == Format::kDot ? render_dot(edges) : render_table(edges);
}

std::string render_unmanaged(const std::vector<UnmanagedView>& views, Format format) {
    if (is_document(format))
        return render_document(document("UnmanagedList", {{"items", views}}), format);
    if (views.empty())
        return "No connect went to anything but a service.\n";
    Table table({"FROM", "DESTINATION", "PROTOCOL", "CONNECTS"});
    for (const auto& view : views)
        table.add({view.workload, view.destination, view.protocol, number(view.connects)});
    return table.str();
}

}  // namespace weir

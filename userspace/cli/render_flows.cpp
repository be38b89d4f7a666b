// SPDX-License-Identifier: Apache-2.0
// What `weir flows` prints: one line for each event. Knows no ring.
#include <array>
#include <utility>

#include "userspace/cli/render.h"
#include "userspace/observe/views/json.h"

namespace weir {
namespace {

// Columns that stay where they are while lines come one by one.
std::string padded(const std::string& text, std::size_t width) {
    return text.size() < width ? text + std::string(width - text.size(), ' ') : text;
}

std::string line(const std::array<std::string, 6>& cells) {
    constexpr std::array<std::size_t, 5> kWidths{12, 9, 15, 18, 17};
    std::string text;
    for (std::size_t i = 0; i < kWidths.size(); i++)
        text += padded(cells.at(i), kWidths.at(i)) + " ";
    text += cells.back();
    while (text.ends_with(' '))
        text.pop_back();
    return text + "\n";
}

std::string service_str(const FlowView& flow) {
    return flow.service + ":" + std::to_string(flow.port) + (flow.protocol == "UDP" ? "/UDP" : "");
}

std::string details(const FlowView& flow) {
    std::string text;
    const auto add = [&](const std::string& part) { text += (text.empty() ? "" : " ") + part; };
    if (!flow.reason.empty())
        add(flow.reason);
    if (flow.durationSeconds > 0)
        add("after " + short_time(flow.durationSeconds));
    if (flow.verdict != "closed" || flow.protocol == "UDP")
        return text;
    add(short_bytes(flow.bytesSent) + " out " + short_bytes(flow.bytesReceived) + " in");
    for (const auto& [name, seconds] :
         {std::pair("connect", flow.connectSeconds), std::pair("first-byte", flow.firstByteSeconds),
          std::pair("rtt", flow.rttSeconds)})
        if (seconds > 0)
            add(std::string(name) + " " + short_time(seconds));
    if (flow.retransmits != 0)
        add(number(flow.retransmits) + " retransmitted");
    if (!flow.cutOffBy.empty())
        add("reset by " + flow.cutOffBy);
    return text;
}

}  // namespace

std::string flow_header() {
    return line({"TIME", "EVENT", "FROM", "SERVICE", "ENDPOINT", "DETAILS"});
}

std::string render_flow(const FlowView& flow) {
    if (flow.verdict == "lost") {
        std::string text = "--";
        if (flow.lost != 0)
            text += " " + number(flow.lost) + " events lost: nobody read them in time";
        if (flow.leftOut != 0)
            text += std::string(flow.lost != 0 ? ";" : "") + " " + number(flow.leftOut) +
                    " left out: more than the bound of their service";
        return text + "\n";
    }
    return line({flow.time.substr(11, 12), flow.verdict, flow.workload, service_str(flow),
                 flow.endpoint, details(flow)});
}

std::string render_connections(const std::vector<FlowView>& views, Format format) {
    if (is_document(format))
        return render_document(document("ConnectionList", {{"items", views}}), format);
    if (views.empty())
        return "No open connections.\n";
    const auto time = [](double seconds) { return seconds > 0 ? short_time(seconds) : "-"; };
    Table table({"AGE", "FROM", "SERVICE", "ENDPOINT", "STATE", "SENT", "RECEIVED", "RTT",
                 "FIRST-BYTE", "RETRANS"});
    for (const auto& view : views)
        table.add({view.durationSeconds > 0 ? age_str(view.durationSeconds) : "-", view.workload,
                   service_str(view), view.endpoint, view.verdict, short_bytes(view.bytesSent),
                   short_bytes(view.bytesReceived), time(view.rttSeconds),
                   time(view.firstByteSeconds), number(view.retransmits)});
    return table.str();
}

std::string render_flows_document(const std::vector<FlowView>& flows, Format format) {
    return render_document(document("FlowList", {{"items", flows}}), format);
}

}  // namespace weir

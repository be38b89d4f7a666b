// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/flows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "bpf/core/connection.h"
#include "maps/clock.h"
#include "maps/failure_names.h"

namespace weir {
namespace {

// What to add to CLOCK_MONOTONIC for the time of day, as it is now.
std::int64_t wall_offset_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec -
           static_cast<std::int64_t>(monotonic_ns());
}

std::string time_str(std::uint64_t monotonic, std::int64_t offset_ns) {
    const auto ns = static_cast<std::int64_t>(monotonic) + offset_ns;
    const std::time_t seconds = ns / 1'000'000'000;
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                       utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                       ns % 1'000'000'000 / 1'000'000);
}

// The row of a service port may have gone to another since: the address must be its own.
std::string service_of(const weir_event& event, const Names& names) {
    const auto* owner = names.service_port(event.edge.svc_port);
    if (owner == nullptr || owner->port->port != ntohs(event.service_port))
        return "departed";
    const Addr called(event.service_addr);
    const auto& addresses = owner->service->addresses;
    const bool is_its_own = std::any_of(addresses.begin(), addresses.end(),
                                        [&](const auto& one) { return one.addr == called; });
    return is_its_own ? owner->service->name : "departed";
}

const char* verdict_of(__u32 kind) {
    switch (kind) {
        case WEIR_EVENT_OPENED: return "opened";
        case WEIR_EVENT_FAILED: return "failed";
        case WEIR_EVENT_CLOSED: return "closed";
        case WEIR_EVENT_EJECTED: return "ejected";
        case WEIR_EVENT_RESTORED: return "restored";
        case WEIR_EVENT_HALF_OPEN: return "half-open";
        case WEIR_EVENT_PANIC: return "panic";
        case WEIR_EVENT_CONNECTS: return "connecting";
        case WEIR_EVENT_LIVES: return "established";
        case WEIR_EVENT_CLOSES: return "closing";
    }
    return "unknown";
}

double seconds(__u32 us) {
    return us / 1e6;
}

FlowView view_of(const weir_event& event, const Names& names, std::int64_t offset_ns) {
    FlowView view;
    view.time = time_str(event.at_ns, offset_ns);
    view.verdict = verdict_of(event.kind);
    view.workload = names.workload(event.edge.workload);
    view.service = service_of(event, names);
    view.port = ntohs(event.service_port);
    view.protocol = event.protocol == WEIR_PROTO_UDP ? "UDP" : "TCP";
    view.address = endpoint_str(Addr(event.service_addr), view.port);
    view.endpoint = event.endpoint_port == 0
                        ? "none"
                        : endpoint_str(Addr(event.endpoint_addr), ntohs(event.endpoint_port));
    if (event.kind == WEIR_EVENT_FAILED || event.kind == WEIR_EVENT_EJECTED)
        view.reason =
            kFailureNames.at(std::min<std::size_t>(event.failure, WEIR_FAILURE_OTHER)).name;
    if (event.deadline != WEIR_DEADLINE_NONE)
        view.reason = kDeadlineNames.at(event.deadline % kDeadlineNames.size());
    if (event.cut_off_by != WEIR_CUT_OFF_BY_NONE)
        view.cutOffBy = event.cut_off_by == WEIR_CUT_OFF_BY_CALLER ? "caller" : "endpoint";
    if (event.started_ns != 0 && event.kind != WEIR_EVENT_OPENED && !is_of_endpoint(event))
        view.durationSeconds = static_cast<double>(event.at_ns - event.started_ns) / 1e9;
    view.connectSeconds = seconds(event.connect_us);
    view.firstByteSeconds = seconds(event.first_byte_us);
    view.rttSeconds = seconds(event.rtt_us);
    view.bytesSent = event.sent;
    view.bytesReceived = event.received;
    view.retransmits = event.retransmits;
    return view;
}

}  // namespace

std::vector<FlowView> flow_views(const std::vector<FlowEntry>& entries, const Names& names) {
    const auto offset_ns = wall_offset_ns();
    std::vector<FlowView> views;
    views.reserve(entries.size());
    for (const auto& entry : entries) {
        if (!entry.is_gap()) {
            views.push_back(view_of(entry.event, names, offset_ns));
            continue;
        }
        FlowView gap;
        gap.time = time_str(entry.event.at_ns, offset_ns);
        gap.verdict = "lost";
        gap.lost = entry.lost;
        gap.leftOut = entry.left_out;
        views.push_back(std::move(gap));
    }
    return views;
}

std::vector<FlowView> connection_views(const std::vector<char>& rows, const Names& names) {
    const auto offset_ns = wall_offset_ns();
    std::vector<FlowView> views;
    for (std::size_t at = 0; at + sizeof(weir_event) <= rows.size(); at += sizeof(weir_event)) {
        weir_event row{};
        std::memcpy(&row, rows.data() + at, sizeof(row));
        views.push_back(view_of(row, names, offset_ns));
    }
    std::stable_sort(views.begin(), views.end(), [](const FlowView& a, const FlowView& b) {
        return a.durationSeconds > b.durationSeconds;
    });
    return views;
}

bool FlowFilter::takes(const FlowView& flow) const {
    if (flow.time < since)
        return false;
    if (flow.verdict == "lost")
        return true;
    const auto is = [](const std::string& wanted, const std::string& what) {
        return wanted.empty() || wanted == what;
    };
    const auto slowest = std::max({flow.connectSeconds, flow.firstByteSeconds,
                                   flow.verdict == "failed" ? flow.durationSeconds : 0});
    return is(workload, flow.workload) && is(service, flow.service) &&
           is(endpoint, flow.endpoint) && is(verdict, flow.verdict) && is(reason, flow.reason) &&
           slowest >= slower_than;
}

}  // namespace weir

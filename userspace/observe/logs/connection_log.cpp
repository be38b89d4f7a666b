// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/logs/connection_log.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "bpf/core/connection.h"
#include "userspace/observe/logs/log.h"

namespace weir {
namespace {

constexpr std::uint64_t kLinesPerSecond = 50;

// Every n-th: one that fails again and again is not more interesting the second time.
bool is_turn(std::uint32_t& seen, std::uint32_t every) {
    if (every == 0 || ++seen < every)
        return false;
    seen = 0;
    return true;
}

struct Kind {
    const char* action;
    const char* level;
    std::string message;
    bool is_bad = false;
};

Kind kind_of(const FlowView& flow) {
    const std::string whom =
        flow.workload + " to " + flow.service + ":" + std::to_string(flow.port);
    const std::string endpoint =
        flow.endpoint + " of " + flow.service + ":" + std::to_string(flow.port);
    if (flow.verdict == "ejected")
        return {"endpoint-ejected", "warn", endpoint + " is left out: " + flow.reason, true};
    if (flow.verdict == "restored")
        return {"endpoint-restored", "info", endpoint + " is in again"};
    if (flow.verdict == "panic")
        return {"service-in-panic", "warn",
                flow.service + ":" + std::to_string(flow.port) +
                    ": too few endpoints are in, and all are used",
                true};
    if (flow.verdict == "failed")
        return {"connection-failed", "warn", whom + " failed: " + flow.reason, true};
    if (flow.cutOffBy == "endpoint")
        return {"connection-reset", "warn", whom + " was reset by " + flow.endpoint};
    if (!flow.reason.empty() && flow.reason != kDeadlineNames[WEIR_DEADLINE_IDLE])
        return {"connection-closed", "warn", whom + " was ended: " + flow.reason, true};
    return {"connection-closed", "info",
            whom + (flow.reason.empty() ? " closed" : " was ended: " + flow.reason)};
}

std::int64_t nanoseconds(double seconds) {
    return std::llround(seconds * 1e9);
}

}  // namespace

bool ConnectionLog::is_slow(const weir_event& event) const {
    const std::uint64_t slowest = std::max(event.connect_us, event.first_byte_us);
    return settings_.slow_ns != 0 && slowest * 1000 >= settings_.slow_ns;
}

bool ConnectionLog::wants(const weir_event& event, std::uint64_t now_ns) {
    const bool bad = event.kind == WEIR_EVENT_FAILED ||
                     event.cut_off_by == WEIR_CUT_OFF_BY_ENDPOINT ||
                     event.deadline == WEIR_DEADLINE_USER ||
                     event.deadline == WEIR_DEADLINE_KEEPALIVE || is_slow(event);
    if (is_of_endpoint(event))  // rare, and never too many; a try is told of by its end
        return event.kind != WEIR_EVENT_HALF_OPEN;
    const bool is_wanted =
        bad ? is_turn(bad_, settings_.bad_every)
            : event.kind == WEIR_EVENT_CLOSED && is_turn(others_, settings_.sample_every);
    if (!is_wanted)
        return false;
    const auto second = now_ns / 1'000'000'000;
    if (second != second_)
        lines_ = 0;
    second_ = second;
    if (++lines_ <= kLinesPerSecond)
        return true;
    dropped_++;
    return false;
}

void ConnectionLog::write(const FlowView& flow) const {
    const Kind kind = kind_of(flow);
    nlohmann::ordered_json fields = {{"event.category", "network"},
                                     {"event.outcome", kind.is_bad ? "failure" : "success"},
                                     {"event.duration", nanoseconds(flow.durationSeconds)},
                                     {"network.transport", flow.protocol == "UDP" ? "udp" : "tcp"},
                                     {"destination.address", flow.address},
                                     {"weir.workload", flow.workload},
                                     {"weir.service", flow.service},
                                     {"weir.endpoint", flow.endpoint}};
    if (!flow.reason.empty())
        fields["event.reason"] = flow.reason;
    if (flow.verdict == "closed" && flow.protocol == "TCP") {
        fields["source.bytes"] = flow.bytesSent;
        fields["destination.bytes"] = flow.bytesReceived;
        fields["weir.retransmits"] = flow.retransmits;
        fields["weir.connect_ns"] = nanoseconds(flow.connectSeconds);
        fields["weir.rtt_ns"] = nanoseconds(flow.rttSeconds);
        if (flow.firstByteSeconds > 0)
            fields["weir.first_byte_ns"] = nanoseconds(flow.firstByteSeconds);
        if (!flow.cutOffBy.empty())
            fields["weir.cut_off_by"] = flow.cutOffBy;
    }
    log::line(flow.time, kind.level, kind.action, kind.message, fields);
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// Events of single connections and flows, with names.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "userspace/observe/events/flow_store.h"
#include "userspace/observe/views/names.h"

namespace weir {

// FlowView.reason of what ended for one of the service's timeouts, by WEIR_DEADLINE_*.
inline constexpr std::array<const char*, 5> kDeadlineNames{
    "", "user_deadline", "idle_deadline", "keepalive_deadline", "connect_deadline"};

struct FlowView {
    std::string time;     // UTC, "2026-01-31T12:00:00.123Z"
    std::string verdict;  // opened, failed, closed; of an endpoint, with the connect that showed
                          // it: ejected, half-open, restored, panic; lost: a gap; of what is open:
                          // connecting, established, closing
    std::string workload;
    std::string service;  // "departed": it left the mesh
    std::uint16_t port = 0;
    std::string protocol;        // TCP, UDP
    std::string address;         // "10.96.0.10:80", what was called
    std::string endpoint;        // "10.0.0.2:8080"; "none" where none was picked
    std::string reason;          // why it failed, or was ejected (maps/failure_names.h); for which
                                 // deadline it was closed
    std::string cutOffBy;        // caller, endpoint; empty: nobody did
    double durationSeconds = 0;  // from the connect to this event; 0 = not known
    double connectSeconds = 0, firstByteSeconds = 0, rttSeconds = 0;  // 0 = not known
    std::uint64_t bytesSent = 0, bytesReceived = 0, retransmits = 0;  // of what was closed
    std::uint64_t lost = 0, leftOut = 0;                              // of a gap
};

struct FlowsView {
    std::uint64_t epoch = 0;  // numbers are of one agent's life
    std::uint64_t next = 0;   // ask for what is from here on
    std::vector<FlowView> flows;
};

std::vector<FlowView> flow_views(const std::vector<FlowEntry>& entries, const Names& names);

// `rows`: one weir_event after the other. The oldest first; in `durationSeconds` is their age.
std::vector<FlowView> connection_views(const std::vector<char>& rows, const Names& names);

// What `weir flows` keeps of them; empty: all. Gaps always stay.
struct FlowFilter {
    std::string workload = {}, service = {}, endpoint = {}, verdict = {}, reason = {};
    double slower_than = 0;  // seconds: the handshake, the longest answer, or a failed connect
    std::string since = {};  // a time as in FlowView
    bool takes(const FlowView& flow) const;
};

}  // namespace weir

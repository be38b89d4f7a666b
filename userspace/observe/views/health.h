// SPDX-License-Identifier: Apache-2.0
// Which endpoints are out, by outlier detection or by hand, since when and until when.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "maps/tables.h"

namespace weir {

// An endpoint that is not in: "ejected", or "half-open" when its time is over and it is being
// tried.
struct Ejection {
    std::string state;
    std::string reason;
    double sinceSeconds = 0;  // ago
    double untilSeconds = 0;  // from now; 0: the next connect tries it
    bool used = false;        // all the same, since too few are in (minHealthPercent), or none
    bool by_hand = false;
};

inline constexpr const char* kUsedAllTheSame = "; used, since too few are in";

// Where all are out, whether this one is used: who is out by hand is, where there is nobody else.
bool is_used_when_all_are_out(const Ejection& ejection, const std::map<std::string, Ejection>& all);

// How many connections a service port has, where it has as many as it may.
Result<std::optional<std::uint64_t>> full_service(const Tables& tables, std::uint32_t svc_port);

// Of one service port's endpoints, by "10.0.0.2:8080".
Result<std::map<std::string, Ejection>> ejections_of(const Tables& tables, std::uint32_t svc_port);

// What is known of how long they take to answer, in seconds, by the same names; those of which
// nothing is known, or only handshakes, are not there.
Result<std::map<std::string, double>> answer_times_of(const Tables& tables, std::uint32_t svc_port);

// Those that have as many connections as they may, by the same names, with how many that is.
Result<std::map<std::string, std::uint64_t>> full_endpoints(const Tables& tables,
                                                            std::uint32_t svc_port);

// Those that are out by hand, by the same names, and for how many seconds more.
Result<std::map<std::string, double>> held_endpoints(const Tables& tables, std::uint32_t svc_port,
                                                     std::uint64_t now_ns);

// How many are out now. How often that happened is told by the node's reasons.
Result<std::uint32_t> ejected_endpoints(const Tables& tables);

}  // namespace weir

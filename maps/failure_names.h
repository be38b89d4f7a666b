// SPDX-License-Identifier: Apache-2.0
// What each reason for a failed connect is called in metrics and on the screen, and what it means.
#pragma once

#include <array>
#include <string_view>

#include "maps/abi/edge.h"

namespace weir {

struct FailureName {
    std::string_view name;     // label value in metrics
    std::string_view meaning;  // one clause for people
};

// As WEIR_FAILURE_*, the one for all others last.
inline constexpr std::array<FailureName, WEIR_FAILURES + 1> kFailureNames{{
    {"refused", "the endpoint answered with a reset, or ICMP: nobody listens there"},
    {"timeout", "no answer to any SYN; of endpoints of UDP, to a datagram that is owed one"},
    {"unreachable", "no neighbour or no route on the way, or a router forbids it"},
    {"reset", "established, and reset before a byte came from the endpoint"},
    {"abandoned", "the caller gave up while SYNs were sent"},
    {"local", "no SYN was sent: no route or no free port here"},
    {"no_endpoint", "refused here: no endpoint that the socket can reach"},
    {"no_storage", "refused here: no socket storage, and the service needs it"},
    {"limit",
     "refused here: the service, or all of its endpoints, has as many connections as it may"},
    {"rate", "refused here: the caller connects more often than it may"},
    {"other", "none of these"},
}};

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// What each kernel reason counter is called in metrics and on the screen, and what it means.
#pragma once

#include <array>
#include <string_view>

#include "maps/abi/node.h"

namespace weir {

struct ReasonName {
    std::string_view name;     // label value in metrics
    std::string_view meaning;  // one clause for people
};

inline constexpr std::array<ReasonName, WEIR_REASON_COUNT> kReasonNames{{
    {"no_endpoint", "connects refused: the service has no endpoint"},
    {"no_family_endpoint", "connects refused: no endpoint of a family that the socket can reach"},
    {"untracked", "connects steered without socket storage: their end is not counted"},
    {"tracking_required", "connects refused: no socket storage, and the service needs it"},
    {"edge_full", "connects counted on \"other\": the edge table is full"},
    {"stale_endpoint", "connections ended whose endpoint row had gone to another endpoint"},
    {"corrupt_row", "connects refused: a table row led nowhere"},
    {"cgroup_full", "cgroups without a row: the cgroup table is full"},
    {"cgroup_path", "cgroups whose path was too long to match whole"},
    {"no_state_callback", "connections whose end is seen at close() only"},
    {"udp_spilled", "UDP flows without room in their socket: their end is not counted"},
    {"off", "connects and datagrams left alone: switched off"},
    {"latency_full", "latency samples lost: the table has no room for their edge"},
    {"event_lost", "events lost: the ring was full"},
    {"event_limited", "events left out: their service has too many"},
    {"unmanaged_full", "connects to no service that were not counted: the table is full"},
    {"datagram_unread", "datagrams that were not counted: headers in between, or cut short"},
    {"endpoint_ejected", "times an endpoint was left out for what failed there"},
    {"endpoint_restored", "times an endpoint came back"},
    {"half_open_try", "connects, and flows of datagrams, that tried an endpoint that was left out"},
    {"outlier_panic",
     "connects that found too few endpoints of their service in, and used them all"},
    {"limit", "connects refused: the service has as many connections as it may"},
    {"rate", "connects refused: their caller connects more often than it may"},
    {"rate_full", "connects whose rate was not looked at: the table is full"},
    {"connect_deadline", "connects that took longer than timeouts.connect"},
    {"user_deadline", "connections with data unacknowledged for timeouts.tcpUser"},
    {"option_refused", "connects for which the kernel refused a socket option of timeouts"},
    {"connection_stalled", "open connections whose data was sent again twice without an answer"},
    {"idle_deadline", "connections without data for timeouts.idle"},
    {"zone_spilled", "connects that left the node's zone: too few endpoints there have room"},
    {"subset_spilled", "connects that left their subset: no endpoint of it has room"},
    {"keepalive_deadline",
     "idle connections whose endpoint answered no probe of timeouts.keepalive"},
}};

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// What a new mesh would cut applications off from, given what is open now: said before it is
// applied. Pure.
#pragma once

#include <string>
#include <vector>

#include "userspace/model/snapshot.h"
#include "userspace/observe/views/services.h"

namespace weir {

// Whether any limit of connections, or timeouts.idle, is new or lower than it was.
bool lowers_a_limit(const Snapshot& before, const Snapshot& after);

// One sentence for each limit that is new or lower, and below what is active on this node; for each
// service port whose open connections get a shorter timeouts.idle; and for each service whose last
// endpoint goes.
std::vector<std::string> cut_off_warnings(const Snapshot& before, const Snapshot& after,
                                          const std::vector<EndpointView>& now);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// The tables of what weir remembers of a socket. Their rows are allocated by whoever connects, and
// charged to the memory cgroup of whoever made the table: so they are made in the root of those.
// Else open connections count against the agent's limit, which ends the agent, and each connect
// pays for the change from the application's cgroup to the agent's and back.
#pragma once

#include "loader/object.h"

namespace weir {

// Makes and pins those that are not there yet, in the root memory cgroup or, where that is refused,
// in the agent's own. Returns why; empty: in the root, or they were there. `tables`: any feature's
// object, freshly opened. Before other objects are loaded, which adopt what is pinned.
std::string make_socket_tables(Object tables, const PinDir& pins, const Before* before);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// Who may use the control socket: root, the agent's own user, and members of the group `weir`. The
// socket's mode says so already; its peers are checked again, since a descriptor can be passed on.
#pragma once

#include <sys/types.h>

#include <optional>

namespace weir {

// The group's id; nullopt when this machine has no such group.
std::optional<gid_t> control_group();

// Whether the process at the other end of a unix socket may use it.
bool peer_may_control(int socket, std::optional<gid_t> group);

}  // namespace weir

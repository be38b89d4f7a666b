// SPDX-License-Identifier: Apache-2.0
#include "userspace/control/peer.h"

#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace weir {

std::optional<gid_t> control_group() {
    const group* found = ::getgrnam("weir");
    return found == nullptr ? std::nullopt : std::optional(found->gr_gid);
}

bool peer_may_control(int socket, std::optional<gid_t> group) {
    ucred peer{};
    socklen_t size = sizeof(peer);
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size))
        return false;
    if (peer.uid == 0 || peer.uid == ::geteuid())
        return true;
    if (!group)
        return false;
    if (peer.gid == *group)
        return true;
    std::vector<gid_t> groups(1024);
    size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size))
        return false;
    groups.resize(size / sizeof(gid_t));
    return std::find(groups.begin(), groups.end(), *group) != groups.end();
}

}  // namespace weir

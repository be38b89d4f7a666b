// SPDX-License-Identifier: Apache-2.0
#include "userspace/control/peer.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "loader/exit_codes.h"

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

Result<Fd> listen_control(const std::string& path, std::optional<gid_t> group) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path))
        return fail("the control socket's path " + path + " is too long for a unix socket");
    std::memcpy(address.sun_path, path.data(), path.size());
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd)
        return fail_errno("cannot make the control socket", errno);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0)
        return fail_exit(kExitSecondAgent,
                         "another weir-agent answers at " + path +
                             ": stop it first, or give this one its own --socket");
    fd = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::unlink(path.c_str());  // a dead agent's
    const mode_t before = ::umask(0177);
    const int bound =
        ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    ::umask(before);
    if (bound != 0)
        return fail_errno("cannot bind the control socket " + path, errno);
    // Without CAP_CHOWN the socket stays its owner's: members of the group are shut out, nobody
    // else.
    if (group && ::chown(path.c_str(), static_cast<uid_t>(-1), *group) && errno != EPERM)
        return fail_errno("cannot give the control socket " + path + " its group", errno);
    if (::chmod(path.c_str(), 0660))
        return fail_errno("cannot set the mode of the control socket " + path, errno);
    if (::listen(fd.get(), 64))
        return fail_errno("cannot listen on the control socket " + path, errno);
    return fd;
}

}  // namespace weir

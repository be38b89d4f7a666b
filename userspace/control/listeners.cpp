// SPDX-License-Identifier: Apache-2.0
#include "userspace/control/listeners.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <utility>

#include "loader/exit_codes.h"

namespace weir {
namespace {

using boost::asio::ip::tcp;

Result<sockaddr_un> unix_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path))
        return fail("the control socket's path " + path +
                    " is too long for a unix socket: " + "choose a shorter --socket");
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

Fd unix_socket() {
    return Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

// Only a dead agent's socket is taken away: nobody listens there any more.
Status remove_dead_socket(const std::string& path, const sockaddr_un& address) {
    struct stat stat{};
    if (::lstat(path.c_str(), &stat))
        return errno == ENOENT ? Status() : fail_errno("cannot look at " + path, errno);
    if (!S_ISSOCK(stat.st_mode))
        return fail("--socket " + path +
                    " is there and no socket: move it away, or choose another");
    const Fd probe = unix_socket();
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(probe.get(), generic, sizeof(address)) != 0 && errno == ECONNREFUSED) {
        if (::unlink(path.c_str()) && errno != ENOENT)
            return fail_errno("cannot remove the dead agent's socket " + path, errno);
        return {};
    }
    return fail_exit(kExitSecondAgent,
                     "a weir-agent is running and listens at " + path +
                         ": stop it first, or give this one its own --bpffs, --cgroup, "
                         "--socket, --state and --listen");
}

Result<tcp::endpoint> parse_endpoint(const std::string& text) {
    const auto colon = text.rfind(':');
    auto host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(host, error);
    unsigned short port = 0;
    const char* end = text.data() + text.size();
    const auto number =
        std::from_chars(text.data() + std::min(colon, text.size() - 1) + 1, end, port);
    if (error || colon == std::string::npos || number.ec != std::errc() || number.ptr != end)
        return fail("--listen " + text + " is no ADDRESS:PORT, such as 127.0.0.1:15090");
    return tcp::endpoint(address, port);
}

}  // namespace

ControlSocket::ControlSocket(ControlSocket&& other) noexcept
    : path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}

ControlSocket& ControlSocket::operator=(ControlSocket&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(fd_, other.fd_);
    return *this;
}

ControlSocket::~ControlSocket() {
    if (!path_.empty())
        ::unlink(path_.c_str());  // before it is closed: a successor's file is not taken for it
}

Result<ControlSocket> ControlSocket::listen(const std::string& path, std::optional<gid_t> group) {
    WEIR_TRY(const sockaddr_un address, unix_address(path));
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
    WEIR_CHECK(remove_dead_socket(path, address));
    ControlSocket made;
    made.fd_ = unix_socket();
    const mode_t before = ::umask(0177);
    const int bound = ::bind(made.fd_.get(), generic, sizeof(address));
    const int code = errno;
    ::umask(before);
    if (bound != 0)
        return fail_errno("cannot bind the control socket " + path, code);
    made.path_ = path;
    if (group && ::chown(path.c_str(), static_cast<uid_t>(-1), *group) && errno != EPERM)
        return fail_errno("cannot give the control socket " + path + " its group", errno);
    if (::chmod(path.c_str(), 0660))
        return fail_errno("cannot set the mode of the control socket " + path, errno);
    if (::listen(made.fd_.get(), SOMAXCONN))
        return fail_errno("cannot listen on the control socket " + path, errno);
    return made;
}

Result<Fd> listen_metrics(const std::string& address) {
    WEIR_TRY(const tcp::endpoint endpoint, parse_endpoint(address));
    boost::asio::io_context loop;
    tcp::acceptor acceptor(loop);
    boost::system::error_code error;
    acceptor.open(endpoint.protocol(), error);
    acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    acceptor.bind(endpoint, error);
    if (!error)
        acceptor.listen(SOMAXCONN, error);  // with few, a burst waits a second for a SYN sent again
    if (error)
        return fail("cannot listen on " + address + " for metrics: " + error.message() +
                    ": choose another address with --listen");
    return Fd(::dup(acceptor.native_handle()));
}

}  // namespace weir

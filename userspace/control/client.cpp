// SPDX-License-Identifier: Apache-2.0
#include "userspace/control/client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <cstring>

#include "maps/fd.h"

namespace weir {
namespace {

constexpr timeval kPatience{5, 0};

Result<Fd> connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path))
        return fail("the path " + path + " is too long for a unix socket", ENAMETOOLONG);
    std::memcpy(address.sun_path, path.data(), path.size());
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd)
        return fail_errno("cannot make a socket", errno);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience));
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)))
        return fail_errno("cannot reach the agent at " + path, errno);
    return fd;
}

Result<std::string> exchange(int fd, const std::string& request) {
    // An agent that refuses this user closes at once: that may be seen here or at the first read.
    const auto sent = ::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EPIPE && errno != ECONNRESET)
        return fail_errno("cannot ask the agent", errno);
    std::string answer;
    std::array<char, 65536> buffer{};
    for (;;) {
        const auto length = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (length < 0 && errno == ECONNRESET)
            return answer;
        if (length < 0)
            return errno == EAGAIN ? fail("the agent does not answer", EAGAIN)
                                   : fail_errno("cannot read the agent's answer", errno);
        if (length == 0)
            return answer;
        answer.append(buffer.data(), static_cast<std::size_t>(length));
    }
}

}  // namespace

Result<nlohmann::json> call_agent(const std::string& socket, const std::string& method,
                                  const std::string& path) {
    namespace http = boost::beast::http;
    WEIR_TRY(const Fd fd, connect_to(socket));
    WEIR_TRY(const std::string answer,
             exchange(fd.get(), method + " " + path +
                                    " HTTP/1.1\r\nHost: weir\r\nConnection: close\r\n"
                                    "Content-Length: 0\r\n\r\n"));
    if (answer.empty())
        return fail("the agent closed the connection: only root and the group weir may ask it",
                    EACCES);
    http::response_parser<http::string_body> parser;
    parser.body_limit(boost::none);
    parser.eager(true);
    boost::system::error_code error;
    parser.put(boost::asio::buffer(answer), error);
    if (error)
        return fail("the agent's answer is not HTTP: " + error.message());
    auto document = nlohmann::json::parse(parser.get().body(), nullptr, false);
    if (document.is_discarded())
        return fail("the agent's answer is not JSON");
    if (parser.get().result_int() >= 300)
        return fail(document.value("error", "the agent refused " + path));
    return document;
}

}  // namespace weir

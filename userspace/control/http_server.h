// SPDX-License-Identifier: Apache-2.0
// A small HTTP/1.1 server on one Asio loop, for loopback TCP and for unix sockets: one coroutine a
// connection, with limits on header, body, time and connections. Knows nothing of what it serves.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace weir {

using HttpRequest = boost::beast::http::request<boost::beast::http::string_body>;
using HttpResponse = boost::beast::http::response<boost::beast::http::string_body>;
using HttpHandler = std::function<boost::asio::awaitable<HttpResponse>(const HttpRequest&)>;

struct HttpLimits {
    std::uint32_t header_bytes = 8192;
    std::uint64_t body_bytes = 65536;
    std::size_t connections = 1024;
    std::chrono::seconds patience{10};  // for one request, and for one response
};

// Connections that were closed unserved: too many, or refused by `accept`.
struct HttpCounters {
    std::uint64_t refused = 0;
};

// Asked once per connection with its socket's descriptor.
using HttpAccept = std::function<bool(int)>;

boost::asio::awaitable<void> serve_http(boost::asio::ip::tcp::acceptor acceptor,
                                        HttpHandler handler, HttpLimits limits,
                                        HttpCounters& counters);
boost::asio::awaitable<void> serve_http(boost::asio::local::stream_protocol::acceptor acceptor,
                                        HttpHandler handler, HttpAccept accept, HttpLimits limits,
                                        HttpCounters& counters);

HttpResponse http_reply(unsigned status, const std::string& content_type, std::string body);

}  // namespace weir

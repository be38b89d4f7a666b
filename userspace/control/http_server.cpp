// SPDX-License-Identifier: Apache-2.0
#include "userspace/control/http_server.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

namespace weir {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

template <typename Protocol>
asio::awaitable<void> session(beast::basic_stream<Protocol> stream, HttpHandler handler,
                              HttpLimits limits, std::shared_ptr<std::size_t> open) {
    struct Count {
        std::size_t& open;
        explicit Count(std::size_t& o) : open(o) { open++; }
        ~Count() { open--; }
    } count(*open);
    beast::flat_buffer buffer(limits.header_bytes + limits.body_bytes);
    for (;;) {
        http::request_parser<http::string_body> parser;
        parser.header_limit(limits.header_bytes);
        parser.body_limit(limits.body_bytes);
        stream.expires_after(limits.patience);
        boost::system::error_code error;
        co_await http::async_read(stream, buffer, parser,
                                  asio::redirect_error(asio::use_awaitable, error));
        if (error == http::error::end_of_stream || error == beast::error::timeout)
            break;
        const bool bad = static_cast<bool>(error);
        const auto request = parser.release();
        auto response = http_reply(400, "text/plain", "not an HTTP request\n");
        if (!bad)  // no conditional expression: g++ 12 destroys the awaited value twice in one
            response = co_await handler(request);
        response.keep_alive(!bad && request.keep_alive());
        response.prepare_payload();
        stream.expires_after(limits.patience);
        co_await http::async_write(stream, response,
                                   asio::redirect_error(asio::use_awaitable, error));
        if (error || !response.keep_alive())
            break;
    }
    boost::system::error_code ignored;
    stream.socket().shutdown(asio::socket_base::shutdown_both, ignored);
}

template <typename Acceptor>
asio::awaitable<void> serve(Acceptor acceptor, HttpHandler handler, HttpAccept accept,
                            HttpLimits limits, HttpCounters& counters) {
    using Protocol = typename Acceptor::protocol_type;
    const auto open = std::make_shared<std::size_t>(0);
    for (;;) {
        boost::system::error_code error;
        auto socket =
            co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
        if (error == asio::error::operation_aborted)
            co_return;
        if (error) {  // out of descriptors, say: let the loop breathe
            asio::steady_timer pause(acceptor.get_executor(), std::chrono::milliseconds(100));
            co_await pause.async_wait(asio::use_awaitable);
            continue;
        }
        if (*open >= limits.connections || (accept && !accept(socket.native_handle()))) {
            counters.refused++;
            continue;
        }
        const auto executor = acceptor.get_executor();
        asio::co_spawn(executor,
                       session<Protocol>(beast::basic_stream<Protocol>(std::move(socket)), handler,
                                         limits, open),
                       asio::detached);
    }
}

}  // namespace

HttpResponse http_reply(unsigned status, const std::string& content_type, std::string body) {
    HttpResponse response(static_cast<http::status>(status), 11);
    response.set(http::field::content_type, content_type);
    response.body() = std::move(body);
    return response;
}

asio::awaitable<void> serve_http(asio::ip::tcp::acceptor acceptor, HttpHandler handler,
                                 HttpLimits limits, HttpCounters& counters) {
    return serve(std::move(acceptor), std::move(handler), HttpAccept(), limits, counters);
}

asio::awaitable<void> serve_http(asio::local::stream_protocol::acceptor acceptor,
                                 HttpHandler handler, HttpAccept accept, HttpLimits limits,
                                 HttpCounters& counters) {
    return serve(std::move(acceptor), std::move(handler), std::move(accept), limits, counters);
}

}  // namespace weir

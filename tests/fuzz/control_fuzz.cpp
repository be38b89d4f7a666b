// SPDX-License-Identifier: Apache-2.0
// Any bytes on the control socket: parsed with the server's limits, answered, never a crash.
#include <boost/beast/http/parser.hpp>
#include <cstdint>
#include <cstdlib>

#include "userspace/control/api.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace http = boost::beast::http;
    const weir::HttpLimits limits;
    http::request_parser<http::string_body> parser;
    parser.header_limit(limits.header_bytes);
    parser.body_limit(limits.body_bytes);
    parser.eager(true);
    boost::system::error_code error;
    std::size_t used = 0;
    while (used < size && !parser.is_done() && !error) {
        const auto taken = parser.put(boost::asio::buffer(data + used, size - used), error);
        if (taken == 0)
            break;
        used += taken;
    }
    if (!parser.is_header_done())
        return 0;
    weir::ApiBackend backend;
    backend.status = [] { return weir::Result<nlohmann::json>(nlohmann::json::object()); };
    backend.services = backend.endpoints = backend.edges = backend.connections = backend.unmanaged =
        backend.status;
    backend.explain = [](const std::string& from, const std::string& to) {
        return weir::Result<nlohmann::json>(nlohmann::json{from, to});
    };
    backend.flows = [](std::uint64_t from) {
        return weir::Result<nlohmann::json>(nlohmann::json{from});
    };
    backend.reload = [] {};
    const auto response = weir::answer_api(parser.release(), backend);
    if (response.result_int() < 200 || response.result_int() > 599)
        std::abort();
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "userspace/control/api.h"

#include <charconv>
#include <map>
#include <optional>
#include <utility>

namespace weir {
namespace {

namespace http = boost::beast::http;
using nlohmann::json;

HttpResponse reply_json(unsigned status, const json& document) {
    return http_reply(status, "application/json",
                      document.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
}

HttpResponse reply_error(unsigned status, const std::string& message) {
    return reply_json(status, {{"error", message}});
}

// "/v1/explain?from=A&to=B" -> A, B
std::optional<std::pair<std::string, std::string>> explain_query(const std::string& target) {
    const std::string start = "/v1/explain?from=", then = "&to=";
    const auto at = target.find(then);
    if (!target.starts_with(start) || at == std::string::npos)
        return std::nullopt;
    return std::pair(target.substr(start.size(), at - start.size()),
                     target.substr(at + then.size()));
}

// "/v1/flows?from=42" -> 42
std::optional<std::uint64_t> flows_query(const std::string& target) {
    const std::string start = "/v1/flows?from=";
    if (!target.starts_with(start))
        return std::nullopt;
    std::uint64_t from = 0;
    const char *begin = target.data() + start.size(), *end = target.data() + target.size();
    const auto [last, error] = std::from_chars(begin, end, from);
    return error == std::errc() && last == end ? std::optional(from) : std::nullopt;
}

}  // namespace

HttpResponse answer_api(const HttpRequest& request, const ApiBackend& backend) {
    const std::string target(request.target());
    if (target == "/v1/reload") {
        if (request.method() != http::verb::post)
            return reply_error(405, "use POST");
        backend.reload();
        return reply_json(202, json::object());
    }
    const std::map<std::string, const std::function<Result<json>()>*> views = {
        {"/v1/status", &backend.status},           {"/v1/services", &backend.services},
        {"/v1/endpoints", &backend.endpoints},     {"/v1/edges", &backend.edges},
        {"/v1/connections", &backend.connections}, {"/v1/unmanaged", &backend.unmanaged}};
    const auto view = views.find(target);
    const auto explain = explain_query(target);
    const auto flows = flows_query(target);
    if (view == views.end() && !explain && !flows)
        return reply_error(404, "no such path");
    if (request.method() != http::verb::get)
        return reply_error(405, "use GET");
    const auto document = explain ? backend.explain(explain->first, explain->second)
                          : flows ? backend.flows(*flows)
                                  : (*view->second)();
    return document ? reply_json(200, *document) : reply_error(500, document.error().message);
}

}  // namespace weir

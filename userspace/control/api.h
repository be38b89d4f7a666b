// SPDX-License-Identifier: Apache-2.0
// The API on the control socket: GET /v1/status, services, endpoints, edges and explain?from=A&to=B
// answer with views as JSON; POST /v1/reload reads the mesh directory again. Holds no state; what
// it serves is handed in.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "maps/result.h"
#include "userspace/control/http_server.h"

namespace weir {

struct ApiBackend {
    std::function<Result<nlohmann::json>()> status, services, endpoints, edges, connections,
        unmanaged;
    std::function<Result<nlohmann::json>(const std::string& from, const std::string& to)> explain;
    std::function<Result<nlohmann::json>(std::uint64_t from)> flows;  // from this number on
    std::function<void()> reload;
};

// One request to one response, whatever it is.
HttpResponse answer_api(const HttpRequest& request, const ApiBackend& backend);

}  // namespace weir

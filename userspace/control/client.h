// SPDX-License-Identifier: Apache-2.0
// The CLI's end of the control socket: one request, one answer, with a deadline.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "maps/result.h"

namespace weir {

// code ENOENT or ECONNREFUSED: no agent is there. EACCES: this user may not.
Result<nlohmann::json> call_agent(const std::string& socket, const std::string& method,
                                  const std::string& path);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// Lengths of time as people write them: "500ms", "30s", "10m", "3h", "1h30m". Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

// nullopt: no such length, or more than 10 years.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
// The same way: "1h30m"; "0s".
std::string duration_str(std::chrono::milliseconds duration);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// The agent's log: one JSON object a line on standard error, with ECS field names. Lines that do
// not fit the queue are dropped and counted; logging never waits. Programs log, libraries do not.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>

namespace weir::log {

using Fields = std::initializer_list<std::pair<const char*, std::string>>;

void start(const std::string& version);
void stop();  // writes out what is queued

void info(const std::string& action, const std::string& message, Fields fields = {});
void warn(const std::string& action, const std::string& message, Fields fields = {});
void error(const std::string& action, const std::string& message, Fields fields = {});

// Of something that was at `time` (UTC, RFC 3339); `level`: info or warn. Fields as they are.
void line(const std::string& time, const std::string& level, const std::string& action,
          const std::string& message, const nlohmann::ordered_json& fields);

std::uint64_t dropped_lines();

}  // namespace weir::log

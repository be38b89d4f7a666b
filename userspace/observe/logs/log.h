// SPDX-License-Identifier: Apache-2.0
// The agent's log: one JSON object a line on standard error, with ECS field names. Lines that do
// not fit the queue are dropped and counted; logging never waits. Programs log, libraries do not.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>

namespace weir::log {

using Fields = std::initializer_list<std::pair<const char*, std::string>>;

void start(const std::string& version);
void stop();  // writes out what is queued

void info(const std::string& action, const std::string& message, Fields fields = {});
void warn(const std::string& action, const std::string& message, Fields fields = {});
void error(const std::string& action, const std::string& message, Fields fields = {});

std::uint64_t dropped_lines();

}  // namespace weir::log

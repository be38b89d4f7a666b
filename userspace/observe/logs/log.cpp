// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/logs/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

namespace weir::log {
namespace {

constexpr std::size_t kQueuedLines = 1024;  // 350 bytes each, whether used or not

struct State {
    std::shared_ptr<spdlog::details::thread_pool> pool;
    std::shared_ptr<spdlog::logger> logger;
    std::string version;
};
State& state() {
    static State the_state;
    return the_state;
}

std::string timestamp() {
    const auto now = std::chrono::system_clock::now();
    const auto seconds = std::chrono::system_clock::to_time_t(now);
    const auto millis =
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() %
        1000;
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                       utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, millis);
}

nlohmann::ordered_json start_line(const std::string& time, const std::string& level,
                                  const std::string& action, const std::string& message) {
    return {{"@timestamp", time},           {"log.level", level},
            {"message", message},           {"ecs.version", "8.11.0"},
            {"service.name", "weir-agent"}, {"service.version", state().version},
            {"event.action", action}};
}

void write(spdlog::level::level_enum level, const nlohmann::ordered_json& line) {
    if (const auto logger = state().logger)
        logger->log(level, "{}",
                    line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void write(spdlog::level::level_enum level, const char* name, const std::string& action,
           const std::string& message, Fields fields) {
    auto line = start_line(timestamp(), name, action, message);
    for (const auto& [key, value] : fields)
        line[key] = value;
    write(level, line);
}

}  // namespace

void start(const std::string& version) {
    auto& current = state();
    current.version = version;
    current.pool = std::make_shared<spdlog::details::thread_pool>(kQueuedLines, 1U);
    current.logger = std::make_shared<spdlog::async_logger>(
        "weir", std::make_shared<spdlog::sinks::stderr_sink_mt>(), current.pool,
        spdlog::async_overflow_policy::overrun_oldest);
    current.logger->set_pattern("%v");
    current.logger->flush_on(spdlog::level::info);
}

// The writing thread ends first: what it still writes, it writes with the logger.
void stop() {
    state().pool.reset();
    state().logger.reset();
}

void info(const std::string& action, const std::string& message, Fields fields) {
    write(spdlog::level::info, "info", action, message, fields);
}
void warn(const std::string& action, const std::string& message, Fields fields) {
    write(spdlog::level::warn, "warn", action, message, fields);
}
void error(const std::string& action, const std::string& message, Fields fields) {
    write(spdlog::level::err, "error", action, message, fields);
}

void line(const std::string& time, const std::string& level, const std::string& action,
          const std::string& message, const nlohmann::ordered_json& fields) {
    auto line = start_line(time, level, action, message);
    line.update(fields);
    write(level == "warn" ? spdlog::level::warn : spdlog::level::info, line);
}

std::uint64_t dropped_lines() {
    return state().pool ? state().pool->overrun_counter() : 0;
}

}  // namespace weir::log

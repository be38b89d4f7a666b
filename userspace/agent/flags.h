// SPDX-License-Identifier: Apache-2.0
// Binds the settings to the command line, for weir-agent and weir. Included by the two main files
// only: CLI11 costs seconds of compile time wherever it is seen.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <string_view>

#include "userspace/agent/settings.h"
#include "userspace/model/duration.h"

namespace weir {

// Stores a flag's text; throws CLI11's error for one that cannot be meant.
struct StoreFlag {
    const std::string& text;
    const char* flag;
    void operator()(std::string* value) const { *value = text; }
    void operator()(const Rows& rows) const {
        std::uint32_t count = 0;
        if (!CLI::detail::lexical_cast(text, count) || count < rows.least || count > rows.most)
            throw CLI::ValidationError(flag, "not a number from " + std::to_string(rows.least) +
                                                 " to " + std::to_string(rows.most) + ": " + text);
        *rows.count = count;
    }
    void operator()(const Length& length) const {
        const auto read = parse_duration(text);
        if (!read || read->count() < 1)
            throw CLI::ValidationError(flag, "not a time such as 30s: " + text);
        *length.ns = static_cast<std::uint64_t>(std::chrono::nanoseconds(*read).count());
    }
    void operator()(const Share& share) const {
        const auto every = parse_share(text);
        if (!every)
            throw CLI::ValidationError(flag, "not " + std::string(kShareForms) + ": " + text);
        *share.every = *every;
    }
    void operator()(Mode*) const {}                      // only in the file
    void operator()(std::vector<std::string>*) const {}  // only in the file
};

// `all`: also what only the agent needs. `app` and `settings` must outlive the parsing.
inline void add_setting_flags(CLI::App& app, Settings& settings, std::string& file, bool all) {
    app.add_option("--config", file, "the node's settings")
        ->envname("WEIR_CONFIG")
        ->default_str(kAgentFile);
    for (auto& setting : settings.all()) {
        const bool of_both = setting.environment[0] != '\0';
        if (setting.flag[0] == '\0' || (!all && !of_both))
            continue;
        auto* option = app.add_option_function<std::string>(
            setting.flag,
            [&setting](const std::string& text) {
                std::visit(StoreFlag{text, setting.flag}, setting.value);
                const char* from = std::getenv(setting.environment);
                setting.origin = from != nullptr && text == from
                                     ? std::string("environment ") + setting.environment
                                     : std::string("flag ") + setting.flag;
            },
            setting.help);
        option->default_str(setting.value_str());
        if (of_both)
            option->envname(setting.environment);
    }
}

// After parsing: what no flag has said. False after telling what is wrong with the file.
inline bool read_settings_file(Settings& settings, const std::string& file) {
    Diagnostics found;
    settings.read_file(file.empty() ? kAgentFile : file, !file.empty(), found);
    for (const auto& one : found.sorted())
        std::fprintf(stderr, "%s\n", one.str().c_str());
    return !found.has_errors();
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// weir-agent: flags, then Agent::run. Says why it ends in one sentence, with the exit codes of
// docs/cli.md.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "loader/exit_codes.h"
#include "userspace/agent/agent.h"
#include "userspace/agent/flags.h"

namespace {

int run(int argc, char** argv) {
    weir::AgentOptions options;
    CLI::App app(
        "weir-agent: brings the mesh directory into the kernel and keeps it there. "
        "Traffic goes on without it.");
    app.set_version_flag("--version", WEIR_VERSION);
    weir::Settings settings(options);
    std::string file;
    weir::add_setting_flags(app, settings, file, true);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? weir::kExitOk : weir::kExitUsage;
    }
    if (!weir::read_settings_file(settings, file))
        return weir::kExitUsage;
    const auto ended = weir::Agent::run(options, WEIR_VERSION);
    if (ended)
        return weir::kExitOk;
    std::fprintf(stderr, "weir-agent: %s\n", ended.error().message.c_str());
    return ended.error().exit_code;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "weir-agent: %s\n", error.what());
        return weir::kExitFailed;
    }
}

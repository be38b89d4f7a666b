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
    weir::add_path_flags(app, options.paths);
    app.add_option("--listen", options.listen, "ADDRESS:PORT of /metrics and /healthz; empty: none")
        ->capture_default_str();
    auto& sizes = options.sizes;
    app.add_option("--max-service-ports", sizes.service_ports, "rows of the service table")
        ->capture_default_str();
    app.add_option("--max-addresses", sizes.vips, "rows of the address table")
        ->capture_default_str();
    app.add_option("--max-endpoints", sizes.endpoints, "rows of the endpoint table")
        ->capture_default_str();
    app.add_option("--max-slots", sizes.slot_words, "words of the slot table")
        ->check(CLI::Range(1U, 1U << 26U))
        ->capture_default_str();
    app.add_option("--max-edges", sizes.edges, "rows of the edge table")->capture_default_str();
    app.add_option("--max-cgroups", sizes.cgroups, "rows of the cgroup table")
        ->capture_default_str();
    app.add_option("--max-cgroup-patterns", sizes.cgroup_patterns, "rows of the pattern table")
        ->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? weir::kExitOk : weir::kExitUsage;
    }
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

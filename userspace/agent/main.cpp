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
    app.add_option("--udp-idle", options.settings.udp_idle_ns,
                   "how long an unconnected UDP socket keeps its endpoint without use, such as 30s")
        ->transform(CLI::AsNumberWithUnit(
            std::map<std::string, std::uint64_t>{
                {"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}},
            CLI::AsNumberWithUnit::UNIT_REQUIRED))
        ->default_str("30s");
    auto& sizes = options.sizes;
    const auto rows = [&](const char* flag, std::uint32_t& value, std::uint32_t most,
                          const char* table) {
        app.add_option(flag, value, std::string("rows of the ") + table + " table")
            ->check(CLI::Range(1U, most))
            ->capture_default_str();
    };
    rows("--max-service-ports", sizes.service_ports, 1U << 20U, "service");
    rows("--max-addresses", sizes.vips, 1U << 20U, "address");
    rows("--max-endpoints", sizes.endpoints, 1U << 22U, "endpoint");
    rows("--max-slots", sizes.slot_words, 1U << 26U, "slot");
    rows("--max-edges", sizes.edges, 1U << 22U, "edge");
    rows("--max-cgroups", sizes.cgroups, 1U << 22U, "cgroup");
    rows("--max-cgroup-patterns", sizes.cgroup_patterns, 1U << 16U, "pattern");
    rows("--max-affinities", sizes.affinities, 1U << 22U, "affinity");
    rows("--max-udp-spill", sizes.udp_spill, 1U << 22U, "UDP spill");
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

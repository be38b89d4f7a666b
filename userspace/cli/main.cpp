// SPDX-License-Identifier: Apache-2.0
// weir: the command line, and nothing but the command line. The commands are in files of their own.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <map>
#include <vector>

#include "loader/exit_codes.h"
#include "userspace/agent/flags.h"
#include "userspace/cli/commands.h"
#include "userspace/source/binder.h"

namespace {

using Command = int (*)(const weir::CliOptions&);

using Formats = std::map<std::string, weir::Format>;
const Formats kFormats{{"table", weir::Format::kTable},
                       {"wide", weir::Format::kWide},
                       {"json", weir::Format::kJson},
                       {"yaml", weir::Format::kYaml}};

struct Commands {
    CLI::App& app;
    weir::CliOptions& options;
    Command chosen = nullptr;

    CLI::App* add(const char* name, const char* help, Command command,
                  const Formats& formats = kFormats) {
        auto* sub = app.add_subcommand(name, help);
        sub->add_option("-o,--output", options.format,
                        formats.contains("dot") ? "table, wide, json, yaml or dot"
                                                : "table, wide, json or yaml")
            ->transform(CLI::CheckedTransformer(formats, CLI::ignore_case));
        sub->callback([this, command] { chosen = command; });
        return sub;
    }
};

bool is_command(const CLI::App& app, const std::string& word) {
    return !app.get_subcommands([&](const CLI::App* one) { return one->get_name() == word; })
                .empty();
}

// CLI11 only says that a command is needed; what was meant is more useful.
int unknown_command(const CLI::App& app, const std::string& word) {
    std::vector<std::string> names;
    for (const auto* command : app.get_subcommands({}))
        names.push_back(command->get_name());
    const auto near =
        weir::nearest(word, std::vector<std::string_view>(names.begin(), names.end()));
    std::fprintf(stderr, "weir: there is no command \"%s\"%s\n", word.c_str(),
                 near.empty() ? ": see weir --help" : (": did you mean \"" + near + "\"?").c_str());
    return weir::kExitUsage;
}

void add_top(Commands& commands) {
    auto& options = commands.options;
    static const std::map<std::string, weir::RateOf> kOf{{"service", weir::RateOf::kService},
                                                         {"workload", weir::RateOf::kWorkload},
                                                         {"endpoint", weir::RateOf::kEndpoint}};
    using Order = weir::TopOrder;
    static const std::map<std::string, Order> kOrders{{"connects", Order::kConnects},
                                                      {"failures", Order::kFailures},
                                                      {"p50", Order::kP50},
                                                      {"p99", Order::kP99},
                                                      {"rtt", Order::kRtt},
                                                      {"bytes", Order::kBytes},
                                                      {"retrans", Order::kRetransmits},
                                                      {"name", Order::kName}};
    auto* top = commands.add("top", "what is going on, second by second", weir::command_top);
    top->add_option("--by", options.top_of, "service, workload or endpoint")
        ->transform(CLI::CheckedTransformer(kOf, CLI::ignore_case))
        ->default_str("service");
    top->add_option("--sort", options.top_order,
                    "connects, failures, p50, p99, rtt, bytes, retrans or name")
        ->transform(CLI::CheckedTransformer(kOrders, CLI::ignore_case))
        ->default_str("connects");
    top->add_option("--window", options.window, "what a row is of, 1s or more")->default_str("2s");
    top->add_flag("--once", options.once, "one window, then the end");
}

void add_explain(Commands& commands) {
    auto& options = commands.options;
    auto* explain =
        commands.add("explain", "why a connect goes where it goes, and how it fares there",
                     weir::command_explain);
    explain->add_option("FROM", options.from, "a workload, or unknown")->required();
    explain
        ->add_option("TO", options.to,
                     "a service or an address: orders.shop, 10.96.0.10:80, dns.shop:53/UDP")
        ->required();
    explain->add_option("--window", options.window,
                        "only what happens from now on, for 1s or more; default: all there was");
}

void add_call_filters(CLI::App* command, weir::FlowFilter& filter) {
    command->add_option("--workload", filter.workload, "only of this caller");
    command->add_option("--service", filter.service, "only to this service");
    command->add_option("--endpoint", filter.endpoint, "only to this one: 10.0.0.2:8080");
}

void add_flows(Commands& commands) {
    auto& options = commands.options;
    add_call_filters(commands.add("connections", "the open connections, the oldest first",
                                  weir::command_connections),
                     options.flows);
    auto* flows = commands.add("flows", "what single connections did", weir::command_flows);
    flows->add_flag("-f,--follow", options.follow, "go on as they come");
    flows->add_option("--last", options.last, "so many")->default_str("20");
    flows->add_option("--since", options.since, "all since then: 30s, 5m");
    add_call_filters(flows, options.flows);
    flows
        ->add_option("--verdict", options.flows.verdict,
                     "only what opened, failed or closed; or of endpoints: ejected, half-open, "
                     "restored, panic")
        ->check(CLI::IsMember(
            {"opened", "failed", "closed", "ejected", "half-open", "restored", "panic"}));
    flows->add_option(
        "--reason", options.flows.reason,
        "only what failed, or ended, for it: refused, timeout, reset, idle_deadline, ...");
    flows->add_option("--slower-than", options.slower_than,
                      "only where connecting, or an answer, took so long: 100ms");
}

void add_sysdump(Commands& commands) {
    commands.add("sysdump", "what a bug report needs, in one archive", weir::command_sysdump)
        ->add_option("FILE", commands.options.arguments,
                     "the archive; default: weir-sysdump-<time>.tar.gz here")
        ->expected(1);
}

// What answers questions and changes nothing.
void add_questions(Commands& commands) {
    auto& options = commands.options;
    commands.add("status", "agent, mesh, hooks and events of this node", weir::command_status);
    commands.add("check", "what is wrong with this node, and what to do", weir::command_check);
    commands.add("services", "the services and their counts", weir::command_services)
        ->add_option("SERVICE", options.arguments, "only these");
    commands.add("endpoints", "the endpoints and their counts", weir::command_endpoints)
        ->add_option("SERVICE", options.arguments, "only of these services");
    auto with_dot = kFormats;
    with_dot.emplace("dot", weir::Format::kDot);
    auto* edges =
        commands.add("edges", "who calls which service, how long answers take, why calls failed",
                     weir::command_edges, with_dot);
    edges->add_option("SERVICE", options.arguments, "only to these services");
    edges->add_flag("--unmanaged", options.unmanaged,
                    "connects that go to no service instead: by whom, and whereto");
    add_top(commands);
    add_explain(commands);
    add_flows(commands);
    add_sysdump(commands);
    commands
        .add("config", "every setting of this node, or of services, where it comes from, its cost",
             weir::command_config)
        ->add_option("SERVICE", options.arguments, "the settings of these services");
    commands.add("hosts", "lines for /etc/hosts, so that names of services work on a plain node",
                 weir::command_hosts);
    commands.add("version", "of this program", weir::command_version);
}

void add_mesh_files(Commands& commands) {
    auto& options = commands.options;
    commands.add("validate", "reads mesh files and says what is wrong", weir::command_validate)
        ->add_option("PATH", options.arguments,
                     "files, or a directory; default: the mesh directory");
    commands.add("diff", "what would change", weir::command_diff)
        ->add_option("FILE", options.arguments, "mesh files to be put into the directory");
    auto* apply =
        commands.add("apply", "puts a file into the mesh directory and waits for the kernel",
                     weir::command_apply);
    apply->add_option("FILE", options.arguments, "mesh files")->required();
    apply->add_option("--timeout", options.wait_seconds, "seconds to wait")
        ->check(CLI::Range(1, 86400))
        ->capture_default_str();
    auto* rollback = commands.add("rollback", "brings one of the last 10 good meshes back",
                                  weir::command_rollback);
    rollback->add_option("GENERATION", options.arguments, "default: the one before")->expected(1);
    rollback->add_flag("--list", options.list, "only shows which there are");
    rollback->add_option("--timeout", options.wait_seconds, "seconds to wait")
        ->check(CLI::Range(1, 86400))
        ->capture_default_str();
}

void add_actions(Commands& commands) {
    auto& options = commands.options;
    auto* off = commands.add(
        "off", "leaves connects alone for a while, on the node or for services", weir::command_off);
    off->add_option("SERVICE", options.arguments,
                    "only of these services; outlier-detection: only that, on the node");
    off->add_option("--for", options.length, "how long, such as 30s, 10m or 1h")
        ->capture_default_str();
    commands.add("on", "ends what `weir off` began", weir::command_on)
        ->add_option("SERVICE", options.arguments, "what was named there");
    auto* eject =
        commands.add("eject", "no new connections to an endpoint for a while", weir::command_eject);
    eject->add_option("SERVICE ENDPOINT", options.arguments, "orders.shop 10.0.0.2:8080")
        ->required()
        ->expected(2);
    eject->add_option("--for", options.length, "how long, such as 30s, 10m or 1h")
        ->capture_default_str();
    commands
        .add("restore", "ends what `weir eject`, or outlier detection, began",
             weir::command_restore)
        ->add_option("SERVICE ENDPOINT", options.arguments,
                     "orders.shop 10.0.0.2:8080; without an endpoint: all of the service")
        ->required()
        ->expected(1, 2);
    commands.add("uninstall", "removes weir from the kernel", weir::command_uninstall)
        ->add_flag("--verify", options.verify, "then look for anything that is left");
}

int run(int argc, char** argv) {
    weir::CliOptions options;
    CLI::App app("weir: asks and steers the service mesh of this node.");
    app.set_version_flag("--version", WEIR_VERSION);
    app.require_subcommand(1);
    app.fallthrough();
    weir::Settings settings(options.node);
    options.settings = &settings;
    std::string file;
    weir::add_setting_flags(app, settings, file, false);
    Commands commands{app, options};
    add_questions(commands);
    add_mesh_files(commands);
    add_actions(commands);
    if (argc > 1 && argv[1][0] != '-' && !is_command(app, argv[1]))
        return unknown_command(app, argv[1]);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? weir::kExitOk : weir::kExitUsage;
    }
    if (!weir::read_settings_file(settings, file))
        return weir::kExitFailed;
    return commands.chosen(options);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "weir: %s\n", error.what());
        return weir::kExitFailed;
    }
}

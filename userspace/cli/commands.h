// SPDX-License-Identifier: Apache-2.0
// The commands, one file each. Each prints its answer and returns the exit code: 0 done, 1 failed,
// 2 wrong usage, and those of loader/exit_codes.h.
#pragma once

#include <string>
#include <vector>

#include "maps/result.h"
#include "userspace/agent/settings.h"
#include "userspace/cli/output.h"
#include "userspace/cli/render.h"

namespace weir {

struct CliOptions {
    AgentOptions node;
    const Settings* settings = nullptr;  // what `node` was made of
    Format format = Format::kTable;
    std::vector<std::string> arguments;  // files, or a service's name
    std::string from, to;                // of explain
    FlowFilter flows;
    std::size_t last = 20;  // of them
    std::string since, slower_than;
    bool follow = false, unmanaged = false;
    bool verify = false, list = false;
    int wait_seconds = 10;
    std::string length = "10m";  // of a switch
    std::string window;          // of top and explain
    bool once = false;
    RateOf top_of = RateOf::kService;
    TopOrder top_order = TopOrder::kConnects;
};

int command_status(const CliOptions& options);
int command_check(const CliOptions& options);
int command_services(const CliOptions& options);
int command_endpoints(const CliOptions& options);
int command_edges(const CliOptions& options);
int command_top(const CliOptions& options);
int command_explain(const CliOptions& options);
int command_connections(const CliOptions& options);
int command_sysdump(const CliOptions& options);
int command_flows(const CliOptions& options);
int command_validate(const CliOptions& options);
int command_diff(const CliOptions& options);
int command_apply(const CliOptions& options);
int command_uninstall(const CliOptions& options);
int command_off(const CliOptions& options);
int command_on(const CliOptions& options);
int command_eject(const CliOptions& options);
int command_restore(const CliOptions& options);
int command_config(const CliOptions& options);
int command_hosts(const CliOptions& options);
int command_rollback(const CliOptions& options);
int command_version(const CliOptions& options);

// "weir: <error>" on standard error; its exit code.
int print_error(const Error& error);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// What this node is told: the same defaults for weir-agent and weir. Where each value may come from
// is in settings.h.
#pragma once

#include <string>
#include <vector>

#include "loader/object.h"
#include "userspace/model/snapshot.h"

namespace weir {

struct NodePaths {
    std::string mesh = "/etc/weir/mesh.d";
    std::string state = "/var/lib/weir";
    std::string bpffs = "/sys/fs/bpf";
    std::string socket = "/run/weir/agent.sock";
    std::string cgroup;  // empty: the machine's cgroup2 root
};

struct AgentOptions {
    NodePaths paths;
    std::string listen = "127.0.0.1:15090";  // metrics; empty: none
    std::uint32_t log_bad_every = 1;         // connections that get a line in the log
    std::uint32_t log_sample_every = 0;      // … of those that are neither bad nor slow
    std::uint32_t max_series = 5000;         // of /metrics
    std::string zone;                        // may be empty
    Mode mode = Mode::kSteer;                // of the whole node
    std::vector<std::string> excluded_cgroups;
    TableSizes sizes;
    ProgramSettings settings;
};

}  // namespace weir

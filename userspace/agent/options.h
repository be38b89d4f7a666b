// SPDX-License-Identifier: Apache-2.0
// Where things are on this node: the same defaults and flags for weir-agent and weir.
#pragma once

#include <string>

#include "loader/object.h"

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
    TableSizes sizes;
    ProgramSettings settings;
};

}  // namespace weir

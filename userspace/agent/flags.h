// SPDX-License-Identifier: Apache-2.0
// The flags that weir-agent and weir share. Included by the two main files only: CLI11 costs
// seconds of compile time wherever it is seen.
#pragma once

#include <CLI/CLI.hpp>

#include "userspace/agent/options.h"

namespace weir {

inline void add_path_flags(CLI::App& app, NodePaths& paths) {
    app.add_option("--mesh", paths.mesh, "the mesh directory")
        ->envname("WEIR_MESH")
        ->capture_default_str();
    app.add_option("--state", paths.state, "directory of the last good mesh")
        ->envname("WEIR_STATE")
        ->capture_default_str();
    app.add_option("--bpffs", paths.bpffs, "where a bpf file system is mounted")
        ->envname("WEIR_BPFFS")
        ->capture_default_str();
    app.add_option("--socket", paths.socket, "the agent's control socket")
        ->envname("WEIR_SOCKET")
        ->capture_default_str();
    app.add_option("--cgroup", paths.cgroup,
                   "steer only below this cgroup2 directory (default: the whole machine)")
        ->envname("WEIR_CGROUP");
}

}  // namespace weir

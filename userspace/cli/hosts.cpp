// SPDX-License-Identifier: Apache-2.0
// weir hosts: lines for /etc/hosts from the mesh directory, between two marks, so that they can be
// replaced. Changes nothing by itself.
#include <cstdio>

#include "userspace/cli/commands.h"
#include "userspace/cli/mesh_edit.h"
#include "userspace/cli/render.h"
#include "userspace/source/mesh_dir.h"

namespace weir {

int command_hosts(const CliOptions& options) {
    const Reading reading = MeshDir(options.node.paths.mesh).read();
    if (print_diagnostics(reading))
        return 1;
    std::fputs(render_hosts(*reading.snapshot, options.format).c_str(), stdout);
    return 0;
}

}  // namespace weir

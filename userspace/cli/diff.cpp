// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstdio>

#include "userspace/cli/commands.h"
#include "userspace/cli/mesh_edit.h"
#include "userspace/cli/render.h"
#include "userspace/reconcile/saved_state.h"
#include "userspace/source/mesh_reader.h"

namespace weir {

// From the mesh in force (the saved state, which the agent writes with every generation) to the
// directory, with the files named on the command line put into it.
int command_diff(const CliOptions& options) {
    auto text = with_files(options.node.paths.mesh, options.arguments);
    if (!text)
        return print_error(text.error());
    const Reading wanted = read_mesh(std::move(*text));
    if (print_diagnostics(wanted))
        return 1;
    auto state = load_state(options.node.paths.state);
    if (!state && state.error().code != ENOENT)
        return print_error(state.error());
    const Reading current = read_mesh(state ? std::move(state->mesh) : MeshText{});
    const Snapshot nothing;
    const Snapshot& before = current.snapshot ? *current.snapshot : nothing;
    std::fputs(render_changes(describe_changes(before, *wanted.snapshot), options.format).c_str(),
               stdout);
    print_cut_offs(options.node.paths, before, *wanted.snapshot);
    return 0;
}

}  // namespace weir

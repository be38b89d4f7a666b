// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "userspace/cli/commands.h"
#include "userspace/cli/node_view.h"
#include "userspace/cli/render.h"

namespace weir {

int command_connections(const CliOptions& options) {
    auto seen = see_connections(options.node.paths);
    if (!seen)
        return print_error(seen.error());
    if (!seen->agent)
        std::fputs(dead_agent_note(seen->why_no_agent).c_str(), stderr);
    std::erase_if(seen->view, [&](const FlowView& flow) { return !options.flows.takes(flow); });
    std::fputs(render_connections(seen->view, options.format).c_str(), stdout);
    return 0;
}

}  // namespace weir

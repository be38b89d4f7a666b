// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "userspace/agent/idle_timeouts.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/node_view.h"
#include "userspace/cli/render.h"

namespace weir {

int command_status(const CliOptions& options) {
    const auto seen = see_status(options.node.paths);
    if (!seen)
        return print_error(seen.error());
    if (!seen->agent) {
        std::fputs(dead_agent_note(seen->why_no_agent).c_str(), stderr);
        const auto mesh = saved_snapshot(options.node.paths);
        if (mesh && asks_for_idle_timeouts(**mesh))
            std::fputs(
                "weir: timeouts.idle pauses: no idle connection is ended before the agent is "
                "back\n",
                stderr);
    }
    std::fputs(render_status(seen->view, options.format).c_str(), stdout);
    return 0;
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "userspace/cli/commands.h"
#include "userspace/cli/node_view.h"
#include "userspace/cli/render.h"

namespace weir {

int command_explain(const CliOptions& options) {
    const auto seen =
        see_explanation(options.node.paths, options.arguments.at(0), options.arguments.at(1));
    if (!seen)
        return print_error(seen.error());
    if (!seen->agent)
        std::fputs(dead_agent_note(seen->why_no_agent).c_str(), stderr);
    if (seen->view.verdict == "invalid")
        return print_error({seen->view.why});
    std::fputs(render_explain(seen->view, options.format).c_str(), stdout);
    return 0;
}

}  // namespace weir

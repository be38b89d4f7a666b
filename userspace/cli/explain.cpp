// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdio>
#include <thread>

#include "loader/exit_codes.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/node_view.h"
#include "userspace/cli/render.h"
#include "userspace/model/duration.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

// What the kernel would do, and how the calls of the window fared; of all calls without one.
Result<Seen<ExplainView>> look(const CliOptions& options, std::chrono::milliseconds window) {
    WEIR_TRY(auto seen, see_explanation(options.node.paths, options.from, options.to));
    if (window == 0ms || seen.view.verdict == "invalid")
        return seen;
    std::this_thread::sleep_for(window);
    WEIR_TRY(auto later, see_explanation(options.node.paths, options.from, options.to));
    later.view = explain_between(seen.view, std::move(later.view));
    return later;
}

}  // namespace

int command_explain(const CliOptions& options) {
    const auto window = options.window.empty() ? 0ms : parse_duration(options.window);
    if (!window || (*window != 0ms && *window < 1s)) {
        std::fprintf(stderr, "weir: --window %s: write a time of 1s or more, such as 5s\n",
                     options.window.c_str());
        return kExitUsage;
    }
    const auto seen = look(options, *window);
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

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>

#include "userspace/cli/commands.h"
#include "userspace/cli/node_view.h"
#include "userspace/cli/render.h"

namespace weir {
namespace {

// Keeps the rows of the services that were asked for; an error names one that is not there.
template <typename View, typename NameOf>
Status keep(std::vector<View>& views, const std::vector<std::string>& wanted, NameOf name_of) {
    for (const auto& name : wanted)
        if (std::none_of(views.begin(), views.end(),
                         [&](const View& view) { return name_of(view) == name; }))
            return fail("no service \"" + name + "\": see `weir services`");
    if (!wanted.empty())
        std::erase_if(views, [&](const View& view) {
            return std::find(wanted.begin(), wanted.end(), name_of(view)) == wanted.end();
        });
    return {};
}

// Asks, keeps what was asked for, prints.
template <typename View, typename NameOf>
int show(const CliOptions& options, Result<Seen<std::vector<View>>> seen, NameOf name_of,
         std::string (*render)(const std::vector<View>&, Format)) {
    if (!seen)
        return print_error(seen.error());
    if (!seen->agent)
        std::fputs(dead_agent_note(seen->why_no_agent).c_str(), stderr);
    if (auto kept = keep(seen->view, options.arguments, name_of); !kept)
        return print_error(kept.error());
    std::fputs(render(seen->view, options.format).c_str(), stdout);
    return 0;
}

}  // namespace

int command_services(const CliOptions& options) {
    return show(
        options, see_services(options.node.paths),
        [](const ServiceView& view) { return view.name; }, render_services);
}

int command_edges(const CliOptions& options) {
    if (options.unmanaged)
        return show(
            options, see_unmanaged(options.node.paths),
            [](const UnmanagedView& view) { return view.workload; }, render_unmanaged);
    return show(
        options, see_edges(options.node.paths), [](const EdgeView& view) { return view.service; },
        render_edges);
}

int command_endpoints(const CliOptions& options) {
    return show(
        options, see_endpoints(options.node.paths),
        [](const EndpointView& view) { return view.service; }, render_endpoints);
}

}  // namespace weir

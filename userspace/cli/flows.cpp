// SPDX-License-Identifier: Apache-2.0
// weir flows: what single connections did, the last ones or as they come. What was lost is shown
// in its place.
#include <chrono>
#include <cstdio>
#include <ctime>
#include <thread>

#include "loader/exit_codes.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/interrupt.h"
#include "userspace/cli/node_view.h"
#include "userspace/cli/render.h"
#include "userspace/model/duration.h"
#include "userspace/observe/views/json.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
constexpr auto kPause = 200ms;

void print(const std::vector<FlowView>& flows, Format format) {
    std::string text;
    for (const auto& flow : flows)
        text += format == Format::kJson ? nlohmann::json(flow).dump() + "\n" : render_flow(flow);
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
}

std::vector<FlowView> filtered(std::vector<FlowView> flows, const FlowFilter& filter,
                               std::size_t last) {
    std::erase_if(flows, [&](const FlowView& flow) { return !filter.takes(flow); });
    if (flows.size() > last)
        flows.erase(flows.begin(), flows.end() - static_cast<std::ptrdiff_t>(last));
    return flows;
}

// As they come, until ^C. A new agent counts from 0 again.
Status follow(const CliOptions& options, const FlowFilter& filter, FlowsView seen) {
    InterruptFlag interrupted;
    while (!interrupted) {
        std::this_thread::sleep_for(kPause);
        WEIR_TRY(auto now, see_flows(options.node.paths, seen.next));
        // Without an agent there is no epoch, and numbers are those of the ring.
        const bool other_agent = now.view.epoch != seen.epoch && seen.epoch != 0;
        if (other_agent || now.view.next < seen.next) {
            WEIR_TRY(now, see_flows(options.node.paths, 0));
        }
        print(filtered(now.view.flows, filter, now.view.flows.size()), options.format);
        seen = std::move(now.view);
    }
    return {};
}

Status show(const CliOptions& options, const FlowFilter& filter) {
    WEIR_TRY(auto seen, see_flows(options.node.paths, 0));
    if (!seen.agent)
        std::fputs(dead_agent_note(seen.why_no_agent).c_str(), stderr);
    const std::size_t last = options.since.empty() ? options.last : seen.view.flows.size();
    const auto flows = filtered(std::move(seen.view.flows), filter, last);
    seen.view.flows.clear();
    if (!options.follow && is_document(options.format)) {
        std::fputs(render_flows_document(flows, options.format).c_str(), stdout);
        return {};
    }
    if (options.format != Format::kJson)
        std::fputs(flow_header().c_str(), stdout);
    print(flows, options.format);
    return options.follow ? follow(options, filter, std::move(seen.view)) : Status();
}

std::string time_before(std::chrono::milliseconds length) {
    const auto then =
        std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() - length);
    std::tm utc{};
    ::gmtime_r(&then, &utc);
    char text[32];
    std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    return text;
}

}  // namespace

int command_flows(const CliOptions& options) {
    FlowFilter filter = options.flows;
    for (const auto& [name, text] :
         {std::pair("--since", options.since), std::pair("--slower-than", options.slower_than)}) {
        const auto length = text.empty() ? 0ms : parse_duration(text);
        if (!length) {
            std::fprintf(stderr, "weir: %s %s: write a time such as 100ms or 5m\n", name,
                         text.c_str());
            return kExitUsage;
        }
        if (*length != 0ms && std::string(name) == "--since")
            filter.since = time_before(*length);
        else if (*length != 0ms)
            filter.slower_than = std::chrono::duration<double>(*length).count();
    }
    if (options.follow && options.format == Format::kYaml) {
        std::fputs("weir: --follow writes lines: use -o json\n", stderr);
        return kExitUsage;
    }
    const auto shown = show(options, filter);
    return shown ? kExitOk : print_error(shown.error());
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// weir off and weir on: one store into the kernel's tables, with or without an agent. Off ends by
// itself, in the kernel.
#include <cstdio>

#include "loader/data_plane.h"
#include "loader/exit_codes.h"
#include "maps/clock.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/node_view.h"
#include "userspace/model/duration.h"
#include "userspace/reconcile/switches.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
constexpr auto kLongest = 30 * 24h;

// The service ports of the services that were named; an error for one that is not there.
Result<std::vector<std::uint32_t>> ports_of(const Tables& tables, const Snapshot& snapshot,
                                            const std::vector<std::string>& services) {
    WEIR_TRY(const Names names, Names::read(tables, snapshot));
    std::vector<std::uint32_t> ids;
    for (const auto& name : services) {
        const auto service = snapshot.services.find(name);
        if (!service)
            return fail("no service \"" + name + "\": see `weir services`");
        for (const auto& port : service->ports)
            if (const auto id = names.id_of(name, port))
                ids.push_back(*id);
    }
    return ids;
}

Status store_switches(const CliOptions& options, std::uint64_t until_ns) {
    const PinDir pins(options.node.paths.bpffs);
    if (!pins.exists())
        return fail("weir is not on this node, or this user may not see it: " + pins.why_missing() +
                    ": use sudo, or start weir-agent");
    WEIR_TRY(Tables tables, Tables::open(pins.maps(), Access::kWrite));
    if (options.arguments.empty())
        return switch_off_until(tables, std::nullopt, until_ns);
    WEIR_TRY(const auto snapshot, saved_snapshot(options.node.paths));
    WEIR_TRY(const auto ids, ports_of(tables, *snapshot, options.arguments));
    for (const auto id : ids)
        WEIR_CHECK(switch_off_until(tables, id, until_ns));
    return {};
}

std::string targets(const CliOptions& options) {
    std::string text;
    for (const auto& name : options.arguments)
        text += (text.empty() ? "" : ", ") + name;
    return text.empty() ? "this node" : text;
}

}  // namespace

int command_off(const CliOptions& options) {
    const auto length = parse_duration(options.length);
    if (!length || *length < 1s || *length > kLongest)
        return print_error({"--for " + options.length +
                                " is not a time from 1s to 30d: write a number and its unit, "
                                "such as 10m",
                            0, kExitUsage});
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(*length).count();
    if (auto stored = store_switches(options, monotonic_ns() + static_cast<std::uint64_t>(ns));
        !stored)
        return print_error(stored.error());
    std::printf(
        "weir is off for %s for %s: new connects go where they are addressed; `weir on` "
        "ends it\n",
        targets(options).c_str(), duration_str(*length).c_str());
    return 0;
}

int command_on(const CliOptions& options) {
    if (auto stored = store_switches(options, 0); !stored)
        return print_error(stored.error());
    std::printf("no switch of %s is off any more\n", targets(options).c_str());
    return 0;
}

}  // namespace weir

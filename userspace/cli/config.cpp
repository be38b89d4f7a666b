// SPDX-License-Identifier: Apache-2.0
// weir config: every setting of this node, where it comes from, and the kernel memory that tables
// cost; with names, every setting of these services in the mesh that is in force.
#include <bpf/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <map>
#include <sstream>

#include "loader/pin_dir.h"
#include "maps/fd.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/node_view.h"
#include "userspace/cli/render.h"
#include "userspace/node/map_memory.h"

namespace weir {
namespace {

// Bytes by table; empty when nothing is pinned, or this user may not see it.
std::map<std::string, std::uint64_t> costs_of(const PinDir& pins) {
    std::map<std::string, std::uint64_t> costs;
    for (const auto& name : PinDir::names(pins.maps())) {
        const Fd map(bpf_obj_get(pins.map(name).c_str()));
        if (const auto bytes = map ? map_memory(map.get()) : fail("not seen"))
            costs[name] = *bytes;
    }
    return costs;
}

// Takes the tables of a setting out of `costs`: what is left belongs to no setting.
std::uint64_t take_cost(const Setting& setting, std::map<std::string, std::uint64_t>& costs) {
    const auto* rows = std::get_if<Rows>(&setting.value);
    std::uint64_t sum = 0;
    if (rows == nullptr)
        return 0;
    std::istringstream tables(rows->tables);
    for (std::string table; tables >> table;) {
        sum += costs[table];
        costs.erase(table);
    }
    return sum;
}

int service_config(const CliOptions& options) {
    const auto snapshot = saved_snapshot(options.node.paths);
    if (!snapshot && snapshot.error().code == ENOENT)
        return print_error(
            {"no mesh is in force on this node yet: start weir-agent, or name its --state", 0, 1});
    if (!snapshot)
        return print_error(snapshot.error());
    std::vector<std::shared_ptr<const Service>> chosen;
    for (const auto& name : options.arguments) {
        const auto service =
            std::find_if((*snapshot)->services.begin(), (*snapshot)->services.end(),
                         [&](const auto& one) { return one->name == name; });
        if (service == (*snapshot)->services.end())
            return print_error({"no service \"" + name + "\": see `weir services`", 0, 1});
        chosen.push_back(*service);
    }
    NodeMode mode{options.node.mode, ""};
    for (const auto& setting : options.settings->all())
        if (std::string_view(setting.key) == "mode")
            mode.origin = setting.origin;
    std::fputs(render_service_config(chosen, mode, options.format).c_str(), stdout);
    return 0;
}

}  // namespace

int command_config(const CliOptions& options) {
    if (!options.arguments.empty())
        return service_config(options);
    auto costs = costs_of(PinDir(options.node.paths.bpffs));
    std::vector<ConfigRow> rows;
    std::uint64_t total = 0;
    for (const auto& setting : options.settings->all()) {
        rows.push_back(
            {setting.key, setting.value_str(), setting.origin, take_cost(setting, costs)});
        total += rows.back().bytes;
    }
    std::uint64_t fixed = 0;
    for (const auto& [table, bytes] : costs)
        fixed += bytes;
    std::fputs(render_config(rows, fixed, total + fixed, options.format).c_str(), stdout);
    return 0;
}

}  // namespace weir

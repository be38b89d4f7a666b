// SPDX-License-Identifier: Apache-2.0
// weir config: every setting of this node, where it comes from, and the kernel memory that tables
// cost.
#include <bpf/bpf.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <sstream>

#include "loader/pin_dir.h"
#include "maps/fd.h"
#include "userspace/cli/commands.h"
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

}  // namespace

int command_config(const CliOptions& options) {
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

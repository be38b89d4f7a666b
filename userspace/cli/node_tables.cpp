// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/node_tables.h"

#include "loader/exit_codes.h"
#include "loader/pin_dir.h"
#include "maps/clock.h"
#include "userspace/model/duration.h"

namespace weir {

using namespace std::chrono_literals;

Result<Tables> writable_tables(const CliOptions& options) {
    const PinDir pins(options.node.paths.bpffs);
    if (!pins.exists())
        return fail("weir is not on this node, or this user may not see it: " + pins.why_missing() +
                    ": use sudo, or start weir-agent");
    return Tables::open(pins.maps(), Access::kWrite);
}

Result<std::vector<std::uint32_t>> port_rows_of(const Names& names, const Snapshot& snapshot,
                                                const std::string& service) {
    const auto found = snapshot.services.find(service);
    if (!found)
        return fail("no service \"" + service + "\": see `weir services`");
    std::vector<std::uint32_t> rows;
    for (const auto& port : found->ports)
        if (const auto row = names.id_of(service, port))
            rows.push_back(*row);
    return rows;
}

Result<std::uint64_t> end_of(const std::string& length) {
    constexpr auto kLongest = 30 * 24h;
    const auto time = parse_duration(length);
    if (!time || *time < 1s || *time > kLongest)
        return fail_exit(kExitUsage, "--for " + length +
                                         " is not a time from 1s to 30d: write a number and its "
                                         "unit, such as 10m");
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(*time).count();
    return monotonic_ns() + static_cast<std::uint64_t>(ns);
}

std::string length_str(const std::string& length) {
    return duration_str(parse_duration(length).value_or(0ms));
}

}  // namespace weir

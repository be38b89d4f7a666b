// SPDX-License-Identifier: Apache-2.0
// weir off and weir on: one store into the kernel's tables, with or without an agent. Off ends by
// itself, in the kernel.
#include <algorithm>
#include <cstdio>

#include "loader/exit_codes.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/node_tables.h"
#include "userspace/cli/node_view.h"
#include "userspace/reconcile/switches.h"

namespace weir {
namespace {

const std::string kDetection = "outlier-detection";

bool means_detection(const CliOptions& options) {
    return options.arguments == std::vector{kDetection};
}

Status store_switches(const CliOptions& options, std::uint64_t until_ns) {
    const auto& names_given = options.arguments;
    if (!means_detection(options) &&
        std::find(names_given.begin(), names_given.end(), kDetection) != names_given.end())
        return fail_exit(kExitUsage,
                         kDetection + " is switched for the whole node: name no services with it");
    WEIR_TRY(Tables tables, writable_tables(options));
    if (means_detection(options)) {
        detection_off_until(tables, until_ns);
        return {};
    }
    if (options.arguments.empty())
        return switch_off_until(tables, std::nullopt, until_ns);
    WEIR_TRY(const auto snapshot, saved_snapshot(options.node.paths));
    WEIR_TRY(const Names names, Names::read(tables, *snapshot));
    std::vector<std::uint32_t> rows;  // all names are known before the first is switched
    for (const auto& service : options.arguments) {
        WEIR_TRY(const auto of_service, port_rows_of(names, *snapshot, service));
        rows.insert(rows.end(), of_service.begin(), of_service.end());
    }
    for (const auto row : rows)
        WEIR_CHECK(switch_off_until(tables, row, until_ns));
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
    const auto until = end_of(options.length);
    if (!until)
        return print_error(until.error());
    if (auto stored = store_switches(options, *until); !stored)
        return print_error(stored.error());
    if (means_detection(options))
        std::printf(
            "outlier detection is off on this node for %s: nobody is ejected but by hand, and who "
            "was gets connections again; `weir on outlier-detection` ends it\n",
            length_str(options.length).c_str());
    else
        std::printf(
            "weir is off for %s for %s: new connects go where they are addressed; `weir on` "
            "ends it\n",
            targets(options).c_str(), length_str(options.length).c_str());
    return 0;
}

int command_on(const CliOptions& options) {
    if (auto stored = store_switches(options, 0); !stored)
        return print_error(stored.error());
    if (means_detection(options))
        std::puts("outlier detection is not off any more");
    else
        std::printf("no switch of %s is off any more\n", targets(options).c_str());
    return 0;
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// weir eject and weir restore: stores into what the kernel knows of an endpoint, with or without an
// agent. An ejection ends by itself, in the kernel.
#include <arpa/inet.h>

#include <cstdio>

#include "userspace/cli/commands.h"
#include "userspace/cli/node_tables.h"
#include "userspace/cli/node_view.h"
#include "userspace/model/endpoint_rows.h"
#include "userspace/observe/views/health.h"
#include "userspace/reconcile/holds.h"

namespace weir {
namespace {

struct Named {
    EndpointRow row;
    std::string name;  // "10.0.0.2:8080"
    bool is_out = false;
};

// Those of all ports of the service.
Result<std::vector<Named>> endpoints_of(const CliOptions& options, const Tables& tables) {
    WEIR_TRY(const auto snapshot, saved_snapshot(options.node.paths));
    WEIR_TRY(const Names names, Names::read(tables, *snapshot));
    WEIR_TRY(const auto ports, port_rows_of(names, *snapshot, options.arguments.front()));
    std::vector<Named> found;
    for (const auto port : ports) {
        WEIR_TRY(const auto out, ejections_of(tables, port));
        WEIR_TRY(const auto endpoints, endpoint_states(tables, port));
        for (const auto& one : endpoints) {
            const auto& endpoint = tables.endpoint[one.id];
            const auto name = endpoint_str(Addr(endpoint.addr), ntohs(endpoint.port));
            found.push_back({{port, one.id}, name, out.contains(name)});
        }
    }
    return found;
}

// By "10.0.0.2:8080", or by the address alone.
bool is_meant(const Tables& tables, const Named& one, const std::string& wanted) {
    return one.name == wanted || Addr(tables.endpoint[one.row.endpoint].addr).str() == wanted;
}

Error no_endpoint(const std::string& service, const std::string& wanted) {
    return {"no endpoint \"" + wanted + "\" of " + service +
            " takes connections: see `weir endpoints " + service + "`"};
}

// With the last one out, all would be used again.
Status leaves_one(const std::vector<Named>& all, const std::vector<Named>& meant) {
    for (const auto& one : meant) {
        bool is_last = true;
        for (const auto& other : all)
            is_last = is_last && (other.row.svc_port != one.row.svc_port || other.is_out ||
                                  other.row == one.row);
        if (is_last)
            return fail(one.name +
                        " is the last of its service that is in: with it out, all would be used "
                        "again; restore or add another one first");
    }
    return {};
}

Status eject(const CliOptions& options, std::uint64_t until_ns) {
    WEIR_TRY(Tables tables, writable_tables(options));
    WEIR_TRY(const auto all, endpoints_of(options, tables));
    std::vector<Named> meant;
    for (const auto& one : all)
        if (is_meant(tables, one, options.arguments.back()))
            meant.push_back(one);
    if (meant.empty())
        return tl::unexpected(no_endpoint(options.arguments.front(), options.arguments.back()));
    WEIR_CHECK(leaves_one(all, meant));
    for (const auto& one : meant)
        WEIR_CHECK(eject_by_hand(tables, one.row, until_ns));
    return {};
}

// The names of those that were out.
Result<std::vector<std::string>> restore(const CliOptions& options) {
    WEIR_TRY(Tables tables, writable_tables(options));
    WEIR_TRY(const auto all, endpoints_of(options, tables));
    std::vector<std::string> restored;
    bool found = options.arguments.size() == 1;
    for (const auto& one : all) {
        if (options.arguments.size() > 1 && !is_meant(tables, one, options.arguments.back()))
            continue;
        found = true;
        if (!one.is_out)
            continue;
        WEIR_CHECK(restore_by_hand(tables, one.row));
        restored.push_back(one.name);
    }
    if (!found)
        return tl::unexpected(no_endpoint(options.arguments.front(), options.arguments.back()));
    return restored;
}

}  // namespace

int command_eject(const CliOptions& options) {
    const auto until = end_of(options.length);
    if (!until)
        return print_error(until.error());
    if (auto done = eject(options, *until); !done)
        return print_error(done.error());
    const auto &service = options.arguments.front(), &endpoint = options.arguments.back();
    std::printf(
        "%s of %s gets no new connections for %s; those that are open stay. `weir restore %s %s` "
        "ends it\n",
        endpoint.c_str(), service.c_str(), length_str(options.length).c_str(), service.c_str(),
        endpoint.c_str());
    return 0;
}

int command_restore(const CliOptions& options) {
    const auto restored = restore(options);
    if (!restored)
        return print_error(restored.error());
    for (const auto& name : *restored)
        std::printf("%s of %s gets connections again\n", name.c_str(),
                    options.arguments.front().c_str());
    if (restored->empty())
        std::printf("nobody of that was out\n");
    return 0;
}

}  // namespace weir

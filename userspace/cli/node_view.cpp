// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/node_view.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "loader/data_plane.h"
#include "loader/list_sockets.h"
#include "maps/event_ring.h"
#include "userspace/control/client.h"
#include "userspace/observe/views/json.h"
#include "userspace/reconcile/saved_state.h"
#include "userspace/source/mesh_reader.h"

namespace weir {
namespace {

struct Kernel {
    Tables tables;
    std::shared_ptr<const Snapshot> snapshot;
    std::vector<HookView> hooks;
};

Result<Kernel> read_kernel(const NodePaths& paths, const std::string& why_no_agent) {
    const PinDir pins(paths.bpffs);
    if (::geteuid() != 0 && !pins.exists())
        return fail("this user may not ask: " + why_no_agent +
                        ", and only root sees what is pinned: "
                        "use sudo, or join the group weir",
                    EACCES);
    if (!pins.exists())
        return fail("weir is not on this node: " + pins.why_missing() + ", and " + why_no_agent +
                    ": start weir-agent, or name another --bpffs and --socket");
    WEIR_TRY(Tables tables, Tables::open(pins.maps(), Access::kRead));
    Kernel kernel{std::move(tables), std::make_shared<Snapshot>(), {}};
    if (auto snapshot = saved_snapshot(paths))
        kernel.snapshot = std::move(*snapshot);
    else if (snapshot.error().code != ENOENT)
        std::fprintf(stderr, "weir: %s: services are not shown\n",
                     snapshot.error().message.c_str());
    for (const auto& link : pinned_links(pins))
        kernel.hooks.push_back({link.name, link.attached});
    return kernel;
}

// Asks the agent for `path`; without one, `local` reads the kernel.
template <typename View, typename Local>
Result<Seen<View>> see(const NodePaths& paths, const std::string& path, Local local) {
    const auto answer = call_agent(paths.socket, "GET", path);
    if (answer) {
        try {
            return Seen<View>{answer->template get<View>(), true, false, ""};
        } catch (const nlohmann::json::exception& error) {
            return fail(std::string("the agent is of another version than this weir: ") +
                        error.what());
        }
    }
    WEIR_TRY(const Kernel kernel, read_kernel(paths, answer.error().message));
    WEIR_TRY(View view, local(kernel));
    const bool hangs = answer.error().code == EAGAIN;  // connected, and nothing came
    return Seen<View>{std::move(view), false, hangs, answer.error().message};
}

}  // namespace

Result<std::shared_ptr<const Snapshot>> saved_snapshot(const NodePaths& paths) {
    WEIR_TRY(auto state, load_state(paths.state));
    auto reading = read_mesh(std::move(state.mesh));
    if (!reading.snapshot)
        return fail("the saved mesh in " + paths.state + " is not valid for this version");
    return std::shared_ptr<const Snapshot>(std::move(reading.snapshot));
}

Result<Seen<StatusView>> see_status(const NodePaths& paths) {
    auto seen =
        see<StatusView>(paths, "/v1/status", [](const Kernel& kernel) -> Result<StatusView> {
            WEIR_TRY(const Names names, Names::read(kernel.tables, *kernel.snapshot));
            return status_view(kernel.tables, *kernel.snapshot, names, kernel.hooks, nullptr);
        });
    if (seen)
        seen->view.agentHangs = seen->hangs;
    return seen;
}

Result<Seen<std::vector<ServiceView>>> see_services(const NodePaths& paths) {
    return see<std::vector<ServiceView>>(paths, "/v1/services", [](const Kernel& kernel) {
        return service_views(kernel.tables, *kernel.snapshot);
    });
}

Result<Seen<std::vector<EndpointView>>> see_endpoints(const NodePaths& paths) {
    return see<std::vector<EndpointView>>(paths, "/v1/endpoints", [](const Kernel& kernel) {
        return endpoint_views(kernel.tables, *kernel.snapshot);
    });
}

Result<Seen<std::vector<EdgeView>>> see_edges(const NodePaths& paths) {
    return see<std::vector<EdgeView>>(
        paths, "/v1/edges", [](const Kernel& kernel) -> Result<std::vector<EdgeView>> {
            WEIR_TRY(const Names names, Names::read(kernel.tables, *kernel.snapshot));
            return edge_views(kernel.tables, names);
        });
}

namespace {

// What is in the ring since the agent died; it stays there for the next one.
Result<FlowsView> flows_in_ring(const Kernel& kernel, std::uint64_t from) {
    WEIR_TRY(const auto ring, EventRing::map(kernel.tables.events.get(), false));
    WEIR_TRY(const Names names, Names::read(kernel.tables, *kernel.snapshot));
    FlowStore store(WEIR_EVENT_RING_BYTES / sizeof(weir_event));
    ring.look([&](const weir_event* event) {
        if (event != nullptr)
            store.add(*event);
    });
    return FlowsView{0, store.next(), flow_views(store.from(from), names)};
}

}  // namespace

Result<Seen<std::vector<FlowView>>> see_connections(const NodePaths& paths) {
    return see<std::vector<FlowView>>(
        paths, "/v1/connections", [&](const Kernel& kernel) -> Result<std::vector<FlowView>> {
            WEIR_TRY(const Names names, Names::read(kernel.tables, *kernel.snapshot));
            WEIR_TRY(const auto rows, list_sockets(paths.bpffs));
            return connection_views(rows, names);
        });
}

Result<Seen<FlowsView>> see_flows(const NodePaths& paths, std::uint64_t from) {
    return see<FlowsView>(paths, "/v1/flows?from=" + std::to_string(from),
                          [&](const Kernel& kernel) { return flows_in_ring(kernel, from); });
}

Result<Seen<std::vector<UnmanagedView>>> see_unmanaged(const NodePaths& paths) {
    return see<std::vector<UnmanagedView>>(
        paths, "/v1/unmanaged", [](const Kernel& kernel) -> Result<std::vector<UnmanagedView>> {
            WEIR_TRY(const Names names, Names::read(kernel.tables, *kernel.snapshot));
            return unmanaged_views(kernel.tables, names);
        });
}

Result<Seen<ExplainView>> see_explanation(const NodePaths& paths, const std::string& from,
                                          const std::string& to) {
    for (const auto& name : {from, to})
        if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   ".:[]_-") != std::string::npos)
            return fail("\"" + name + "\" is no name of a workload or service, and no address");
    return see<ExplainView>(paths, "/v1/explain?from=" + from + "&to=" + to,
                            [&](const Kernel& kernel) {
                                return explain_view(kernel.tables, *kernel.snapshot, from, to);
                            });
}

std::string dead_agent_note(const std::string& why) {
    return "weir: no agent answers (" + why + "); this is what the kernel holds\n";
}

}  // namespace weir

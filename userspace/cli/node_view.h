// SPDX-License-Identifier: Apache-2.0
// Where the CLI's views come from: the agent, or, while it is dead, the pinned tables and the saved
// state, by the same code the agent runs. Never writes.
#pragma once

#include <string>
#include <vector>

#include "userspace/agent/options.h"
#include "userspace/observe/views/explain.h"
#include "userspace/observe/views/flows.h"
#include "userspace/observe/views/services.h"
#include "userspace/observe/views/status.h"
#include "userspace/observe/views/unmanaged.h"

namespace weir {

template <typename View>
struct Seen {
    View view;
    bool agent = false;        // false: read from the kernel, without an agent
    bool hangs = false;        // it is there, but does not answer
    std::string why_no_agent;  // when not
};

Result<Seen<StatusView>> see_status(const NodePaths& paths);
Result<Seen<std::vector<ServiceView>>> see_services(const NodePaths& paths);
Result<Seen<std::vector<EndpointView>>> see_endpoints(const NodePaths& paths);
Result<Seen<std::vector<EdgeView>>> see_edges(const NodePaths& paths);

Result<Seen<std::vector<UnmanagedView>>> see_unmanaged(const NodePaths& paths);
Result<Seen<std::vector<FlowView>>> see_connections(const NodePaths& paths);
// From this number on; 0: all there are.
Result<Seen<FlowsView>> see_flows(const NodePaths& paths, std::uint64_t from);
Result<Seen<ExplainView>> see_explanation(const NodePaths& paths, const std::string& from,
                                          const std::string& to);

// The last good mesh, as the agent saved it; ENOENT: there is none.
Result<std::shared_ptr<const Snapshot>> saved_snapshot(const NodePaths& paths);

// The sentence on standard error that says where the figures are from.
std::string dead_agent_note(const std::string& why);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// Views to text, apart from where they come from: what golden files test.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "userspace/cli/output.h"
#include "userspace/model/describe.h"
#include "userspace/model/service_settings.h"
#include "userspace/observe/views/explain.h"
#include "userspace/observe/views/flows.h"
#include "userspace/observe/views/rates.h"
#include "userspace/observe/views/services.h"
#include "userspace/observe/views/status.h"
#include "userspace/observe/views/unmanaged.h"
#include "userspace/reconcile/saved_state.h"

namespace weir {

std::string render_status(const StatusView& view, Format format);
std::string render_services(const std::vector<ServiceView>& views, Format format);
std::string render_endpoints(const std::vector<EndpointView>& views, Format format);
// Who calls which service port: one row for each, or one for each endpoint of it with kWide and in
// documents; kDot: a graph for Graphviz.
std::string render_edges(const std::vector<EdgeView>& views, Format format);

std::string render_unmanaged(const std::vector<UnmanagedView>& views, Format format);

// What the rows of `weir top` are sorted by: the most first.
enum class TopOrder { kConnects, kFailures, kP50, kP99, kRtt, kBytes, kRetransmits, kName };
struct TopFrame {
    RateOf of = RateOf::kService;
    double seconds = 1;        // that the counts are of
    std::size_t columns = 80;  // of the screen; at least 80
    std::size_t lines = 0;     // rows there is room for; 0: all
};
std::vector<RateView> sorted_for_top(std::vector<RateView> views, TopOrder order);
std::string render_top(const std::vector<RateView>& views, const TopFrame& frame);
std::string render_top_document(const std::vector<RateView>& views, double seconds, Format format);

// One line; a line that says what was lost.
std::string flow_header();
std::string render_flow(const FlowView& flow);
std::string render_flows_document(const std::vector<FlowView>& flows, Format format);

std::string render_connections(const std::vector<FlowView>& views, Format format);

std::string render_explain(const ExplainView& view, Format format);
// "1.25ms"; "-" where there is none.
std::string time_cell(const Histogram& histogram, double share);

std::string render_changes(const std::vector<MeshChange>& changes, Format format);

// One line of `weir config`; 0 bytes: it costs none, or that is not seen.
struct ConfigRow {
    std::string setting, value, origin;
    std::uint64_t bytes = 0;
};
// `fixed`: of tables that no setting sizes; `total`: of all.
std::string render_config(const std::vector<ConfigRow>& rows, std::uint64_t fixed,
                          std::uint64_t total, Format format);
std::string render_service_config(const std::vector<std::shared_ptr<const Service>>& services,
                                  const NodeMode& node, Format format);
std::string render_hosts(const Snapshot& snapshot, Format format);
std::string render_history(const std::vector<SavedState>& history, Format format);

// One line of `weir check`.
struct CheckResult {
    std::string description;
    enum class Outcome { kOk, kWarning, kError } outcome = Outcome::kOk;
    std::string error;  // what is wrong
    std::string hint;   // what to do about it
};
struct CheckGroup {
    std::string name;
    std::vector<CheckResult> checks;
};
std::string render_checks(const std::vector<CheckGroup>& groups, Format format);
bool all_passed(const std::vector<CheckGroup>& groups);  // warnings pass

}  // namespace weir

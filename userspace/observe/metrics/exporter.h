// SPDX-License-Identifier: Apache-2.0
// /metrics: the views as Prometheus series, read when they are asked for. Istio's names where the
// quantity is Istio's, weir_ where it is not.
#pragma once

#include <string>

#include "userspace/observe/metrics/series_budget.h"
#include "userspace/observe/views/outliers.h"
#include "userspace/observe/views/status.h"

namespace weir {

struct ScrapeInput {
    const Tables* tables = nullptr;
    std::shared_ptr<const Snapshot> snapshot;
    std::vector<HookView> hooks;
    AgentFacts agent;
    std::string zone;  // of this node; may be empty
    std::uint64_t log_lines_dropped = 0;
    std::uint64_t http_refused = 0;
};

// What was read of the tables, at one moment of the mesh.
struct ScrapeViews {
    std::vector<EdgeView> edges;
    std::vector<UnmanagedView> unmanaged;
    std::vector<OutlierView> outliers;
    StatusView status;
};
Result<ScrapeViews> read_scrape(const ScrapeInput& input);

// Text format 0.0.4.
std::string render_metrics(const ScrapeViews& views, const ScrapeInput& input,
                           SeriesBudget& budget);

}  // namespace weir

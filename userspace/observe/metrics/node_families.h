// SPDX-License-Identifier: Apache-2.0
// The node's own metrics: the mesh in force, the kernel's tables and hooks, what is off by hand,
// and outlier detection by service. Their number does not grow with the mesh.
#pragma once

#include "userspace/observe/metrics/exporter.h"
#include "userspace/observe/metrics/families.h"

namespace weir {

// Adds them; returns for how many series more, which come and go, room is to be kept.
std::size_t add_node_families(std::vector<prometheus::MetricFamily>& all, const ScrapeViews& views,
                              const ScrapeInput& input);

}  // namespace weir

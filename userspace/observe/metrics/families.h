// SPDX-License-Identifier: Apache-2.0
// What metrics are put together from. One family has one type and one help text.
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <utility>
#include <vector>

namespace weir {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

prometheus::MetricFamily metric_family(const std::string& name, const std::string& help,
                                       prometheus::MetricType type);
// A counter or a gauge.
void add_metric(prometheus::MetricFamily& family, const MetricLabels& labels, double value);

}  // namespace weir

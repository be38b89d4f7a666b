// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/metrics/families.h"

namespace weir {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily metric_family(const std::string& name, const std::string& help, MetricType type) {
    MetricFamily made;
    made.name = name;
    made.help = help;
    made.type = type;
    return made;
}

void add_metric(MetricFamily& family, const MetricLabels& labels, double value) {
    ClientMetric metric;
    for (const auto& [name, text] : labels)
        metric.label.push_back({name, text});
    if (family.type == MetricType::Counter)
        metric.counter.value = value;
    else
        metric.gauge.value = value;
    family.metric.push_back(std::move(metric));
}

}  // namespace weir

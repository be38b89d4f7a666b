// SPDX-License-Identifier: Apache-2.0
// `subsets` and `trafficDistribution` of a service in the mesh file: which endpoints come first.
#pragma once

#include "userspace/model/snapshot.h"
#include "userspace/source/binder.h"

namespace weir {

void read_subsets(const YamlNode& node, Service& service, Diagnostics& found);
void read_traffic_distribution(const YamlNode& node, Service& service, Diagnostics& found);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// `outlierDetection` of a service in the mesh file.
#pragma once

#include "userspace/model/snapshot.h"
#include "userspace/source/binder.h"

namespace weir {

void read_outlier_detection(const YamlNode& node, Service& service, Diagnostics& found);

}  // namespace weir

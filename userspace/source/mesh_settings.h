// SPDX-License-Identifier: Apache-2.0
// The settings of a service in the mesh file: how it is balanced, watched, limited and observed.
#pragma once

#include <array>

#include "userspace/model/snapshot.h"
#include "userspace/source/binder.h"

namespace weir {

inline constexpr std::array<std::string_view, 9> kServiceSettings{
    "balance",  "subsets",          "trafficDistribution",
    "affinity", "outlierDetection", "limits",
    "timeouts", "observe",          "mode"};

// `reader`: of the service, whose ports are known already.
void read_settings(const MappingReader& reader, Service& service, Diagnostics& found);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// Gives the cgroups that are there their workloads, by the kernel's own code: the program
// weir_resolve, the one that new cgroups get theirs by.
#pragma once

#include <vector>

#include "maps/result.h"
#include "userspace/node/cgroups.h"

namespace weir {

// `cgroups`: parents before children. `program`: descriptor of weir_resolve.
Status identify(int program, const std::vector<Cgroup>& cgroups);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// Rules on a whole mesh, beyond what one value can tell. One file per rule in check/; each adds
// what it finds and knows nothing of the others.
#pragma once

#include "userspace/model/origin.h"
#include "userspace/model/snapshot.h"

namespace weir {

// Two service ports at one address and port: the kernel could not tell them apart.
void check_addresses(const Snapshot& snapshot, Diagnostics& found);
// An endpoint that is a service's address: the connection would go round in circles or nowhere.
void check_loops(const Snapshot& snapshot, Diagnostics& found);
// Endpoints written twice within a service.
void check_duplicate_endpoints(const Snapshot& snapshot, Diagnostics& found);
// An address that no endpoint can answer for, by its family. A warning.
void check_reachability(const Snapshot& snapshot, Diagnostics& found);
// Two workloads with the same cgroup pattern.
void check_workloads(const Snapshot& snapshot, Diagnostics& found);

// All of them.
void check_snapshot(const Snapshot& snapshot, Diagnostics& found);

}  // namespace weir

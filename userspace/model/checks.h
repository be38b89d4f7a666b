// SPDX-License-Identifier: Apache-2.0
// Rules beyond what one value can tell: on one service, and on what must not meet in a mesh. One
// file per rule in check/; each adds what it finds and knows nothing of the others.
#pragma once

#include "userspace/model/origin.h"
#include "userspace/model/snapshot.h"

namespace weir {

// A port number, the name of a port, or an address written twice within a service.
void check_ports(const Service& service, Diagnostics& found);
// Endpoints written twice within a service.
void check_duplicate_endpoints(const Service& service, Diagnostics& found);
// An address that no endpoint can answer for, by its family. A warning.
void check_reachability(const Service& service, Diagnostics& found);
// Subsets that nobody could have, or that nobody is in.
void check_subsets(const Service& service, Diagnostics& found);
// Outlier detection that could eject nobody. A warning.
void check_outliers(const Service& service, Diagnostics& found);
// A preference for zones where no endpoint has one. A warning.
void check_zones(const Service& service, Diagnostics& found);
// All rules on one service.
void check_service(const Service& service, Diagnostics& found);

// Two services at one address and port: the kernel could not tell them apart.
void check_addresses(const Snapshot& snapshot, Diagnostics& found);
// An endpoint that is a service's address: the connection would go round in circles or nowhere.
void check_loops(const Snapshot& snapshot, Diagnostics& found);
// Two workloads with the same cgroup pattern or address.
void check_workloads(const Snapshot& snapshot, Diagnostics& found);
// All rules on what must not meet. Whatever they look at, unique_in.h knows too.
void check_mesh(const Snapshot& snapshot, Diagnostics& found);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include "userspace/model/checks.h"

namespace weir {

void check_service(const Service& service, Diagnostics& found) {
    check_ports(service, found);
    check_duplicate_endpoints(service, found);
    check_reachability(service, found);
    check_subsets(service, found);
    check_outliers(service, found);
    check_zones(service, found);
}

void check_mesh(const Snapshot& snapshot, Diagnostics& found) {
    check_addresses(snapshot, found);
    check_loops(snapshot, found);
    check_workloads(snapshot, found);
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include "userspace/model/checks.h"

namespace weir {

void check_snapshot(const Snapshot& snapshot, Diagnostics& found) {
    check_addresses(snapshot, found);
    check_loops(snapshot, found);
    check_duplicate_endpoints(snapshot, found);
    check_reachability(snapshot, found);
    check_workloads(snapshot, found);
}

}  // namespace weir

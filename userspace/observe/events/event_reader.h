// SPDX-License-Identifier: Apache-2.0
// Takes events out of the ring into the store, and keeps count in the node row: what the kernel
// produced is what was read, what was passed over and what was lost, also over a killed agent.
#pragma once

#include <cstdint>

#include "maps/event_ring.h"
#include "maps/tables.h"
#include "userspace/observe/events/flow_store.h"

namespace weir {

class EventReader {
  public:
    // Both must outlive it; nobody else writes what `node` has of events.
    static Result<EventReader> open(const Tables& tables, weir_node& node);

    // At most so many at once, so that the loop goes on; the rest is for the next time. How many.
    // An event is counted before it leaves the ring: a kill in between gives it out twice.
    std::size_t take(FlowStore& store, std::size_t most);
    // What was lost since it was shown last becomes a gap; once the ring has been emptied.
    Status show_gaps(FlowStore& store);

  private:
    EventReader(const Tables& tables, weir_node& node, EventRing ring)
        : tables_(&tables), node_(&node), ring_(std::move(ring)) {}

    const Tables* tables_;
    weir_node* node_;
    EventRing ring_;
    std::uint64_t passed_ = 0;  // of another build, not shown yet
};

}  // namespace weir

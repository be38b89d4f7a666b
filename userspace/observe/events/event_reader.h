// SPDX-License-Identifier: Apache-2.0
// Takes events out of the ring into the store, and keeps count: what the kernel produced is what
// was read, what was passed over and what was lost.
#pragma once

#include <cstdint>

#include "maps/event_ring.h"
#include "maps/tables.h"
#include "userspace/observe/events/flow_store.h"

namespace weir {

class EventReader {
  public:
    // The tables must outlive it.
    static Result<EventReader> open(const Tables& tables);

    struct Taken {
        std::uint64_t read = 0;
        std::uint64_t passed = 0;  // of a build with another ABI version
    };
    // At most so many at once, so that the loop goes on; the rest is for the next time.
    Result<Taken> take(FlowStore& store, std::size_t most);

  private:
    EventReader(const Tables& tables, EventRing ring) : tables_(&tables), ring_(std::move(ring)) {}

    const Tables* tables_;
    EventRing ring_;
    std::uint64_t lost_ = 0, left_out_ = 0;  // of the kernel's counts, what the store has
    std::uint64_t passed_ = 0;               // what it has not yet
};

}  // namespace weir

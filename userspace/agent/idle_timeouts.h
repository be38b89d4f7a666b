// SPDX-License-Identifier: Apache-2.0
// Keeps timeouts.idle of services: the kernel has no timer for it, so this looks at all connections
// again and again while a service asks. Nothing is loaded while none does. Of the agent's loop.
#pragma once

#include <optional>
#include <string>

#include "loader/idle.h"
#include "userspace/model/snapshot.h"

namespace weir {

class IdleTimeouts {
  public:
    // Ends what is idle now. An error is new: it was not there, or another, the time before.
    Status look(const PinDir& pins, const Snapshot& mesh);
    // What is not kept, and why; empty: all is.
    const std::string& lost() const { return lost_; }

  private:
    Status sweep(const PinDir& pins);

    std::optional<IdleSweep> sweep_;
    std::string lost_;
};

bool asks_for_idle_timeouts(const Snapshot& mesh);

}  // namespace weir

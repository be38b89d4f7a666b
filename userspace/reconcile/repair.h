// SPDX-License-Identifier: Apache-2.0
// Compares the rows that user space owns with what it wrote there, and writes again what somebody
// else has changed. A share of the rows per look, so that a look is cheap; never between the writes
// of a batch.
#pragma once

#include <cstdint>

#include "maps/tables.h"
#include "userspace/model/live.h"
#include "userspace/reconcile/mirror.h"

namespace weir {

class Repairer {
  public:
    // After so many looks everything was looked at.
    static constexpr std::uint32_t kLooks = 8;
    // How many rows were written again.
    Result<std::uint64_t> look(Tables& tables, const LiveState& live, const Mirror& mirror);

  private:
    std::uint32_t turn_ = 0;
};

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// The feature "idle": ends connections that are idle for longer than their service allows, each
// time that it is run. Loaded by whoever needs it, pinned nowhere. Needs kernel 6.5, and a process
// that may enter all network namespaces.
#pragma once

#include "loader/object.h"
#include "loader/pin_dir.h"
#include "maps/result.h"

namespace weir {

class IdleSweep {
  public:
    // Over the tables that are pinned there. The error says what is missing.
    static Result<IdleSweep> load(const PinDir& pins);
    Status run() const;

  private:
    explicit IdleSweep(Object object) : object_(std::move(object)) {}

    Object object_;
};

}  // namespace weir

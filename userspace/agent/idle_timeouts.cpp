// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/idle_timeouts.h"

#include <algorithm>

namespace weir {

bool asks_for_idle_timeouts(const Snapshot& mesh) {
    return std::any_of(mesh.services.begin(), mesh.services.end(),
                       [](const auto& service) { return service->timeouts.idle_ms != 0; });
}

Status IdleTimeouts::sweep(const PinDir& pins) {
    if (!sweep_) {
        WEIR_TRY(sweep_, IdleSweep::load(pins));
    }
    return sweep_->run();
}

Status IdleTimeouts::look(const PinDir& pins, const Snapshot& mesh) {
    if (!asks_for_idle_timeouts(mesh)) {
        sweep_.reset();
        lost_.clear();
        return {};
    }
    // What was refused once is refused again, and loading costs: until nobody asks any more.
    if (!lost_.empty() && !sweep_)
        return {};
    const auto done = sweep(pins);
    const std::string lost = done ? "" : "timeouts.idle is not kept: " + done.error().message;
    if (lost == lost_)
        return {};
    lost_ = lost;
    return done ? Status() : fail(lost);
}

}  // namespace weir

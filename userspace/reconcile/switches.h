// SPDX-License-Identifier: Apache-2.0
// Switching weir off, for a service port or the node, until a time: one aligned store, which the
// kernel heeds by itself. Written by whoever switches, also with the agent dead; an agent watches,
// says what changed, and clears what has ended.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "maps/tables.h"

namespace weir {

// Of a service port, or of the node. `until_ns`: CLOCK_MONOTONIC; 0 = on again.
Status switch_off_until(Tables& tables, std::optional<std::uint32_t> svc_port,
                        std::uint64_t until_ns);

// Outlier detection, on the whole node.
void detection_off_until(Tables& tables, std::uint64_t until_ns);

struct SwitchChange {
    bool detection = false;                 // outlier detection, and not steering
    std::optional<std::uint32_t> svc_port;  // none: the node
    std::uint64_t until_ns = 0;             // 0: on again
};

class SwitchWatch {
  public:
    // What changed since the last look; `rows`: of svc_port that may be in use, from 0 on.
    std::vector<SwitchChange> look(Tables& tables, std::uint32_t rows, std::uint64_t now_ns);

  private:
    std::map<std::optional<std::uint32_t>, std::uint64_t> off_;
    std::uint64_t detection_off_ = 0;
};

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// Ejecting endpoints by hand until a time, and restoring them: aligned stores into what the kernel
// knows of an endpoint, which it heeds and ends by itself. Written by whoever ejects, also with the
// agent dead; an agent watches, says what changed, and clears what has ended.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "maps/tables.h"

namespace weir {

// An endpoint of a service port, by its rows.
struct EndpointRow {
    std::uint32_t svc_port = 0, endpoint = 0;
    auto operator<=>(const EndpointRow&) const = default;
};

// No new connection goes to it until `until_ns` (CLOCK_MONOTONIC), unless all of its service are
// out. After that outlier detection has one connect try it; without detection it is in again.
Status eject_by_hand(Tables& tables, EndpointRow row, std::uint64_t until_ns);
// Behind eject_by_hand of an endpoint that has just moved, when both rows lead to each other: where
// it was ejected, or restored after a failure, in the row that it left, it is so where it is now.
Status take_over_hold(Tables& tables, std::uint32_t from, std::uint32_t to);
// In again at once, whoever ejected it; with its slow start.
Status restore_by_hand(Tables& tables, EndpointRow row);

struct HoldChange {
    EndpointRow row;
    weir_endpoint endpoint{};
    std::uint64_t until_ns = 0;  // 0: it has ended
    bool restored = false;       // and nobody had seen that it was out by hand
};

class HoldWatch {
  public:
    // What changed since the last look; `rows`: of svc_port that may be in use, from 0 on.
    Result<std::vector<HoldChange>> look(Tables& tables, std::uint32_t rows, std::uint64_t now_ns);

  private:
    Status look_at(Tables& tables, std::uint32_t svc_port, std::uint64_t now_ns,
                   std::vector<HoldChange>& changes);

    std::map<EndpointRow, HoldChange> held_;
};

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// Which events of connections become log lines, and what is in them (deploy/log.schema.json):
// those that are bad or slow, and a sample of the others. Bounded: what is more is counted.
#pragma once

#include <cstdint>
#include <string>

#include "maps/abi/event.h"
#include "userspace/observe/views/flows.h"

namespace weir {

struct ConnectionLogSettings {
    std::uint32_t bad_every = 1;     // one of so many that are bad or slow; 0 = none
    std::uint32_t sample_every = 0;  // of those that are closed and neither
    std::uint64_t slow_ns = 0;       // 0 = nothing is slow
};

class ConnectionLog {
  public:
    explicit ConnectionLog(ConnectionLogSettings settings) : settings_(settings) {}

    // Whether it becomes a line, now. Asked once for each event.
    bool wants(const weir_event& event, std::uint64_t now_ns);
    void write(const FlowView& flow) const;
    // Lines that were wanted beyond the bound.
    std::uint64_t dropped() const { return dropped_; }

  private:
    bool is_slow(const weir_event& event) const;

    ConnectionLogSettings settings_;
    std::uint64_t second_ = 0, lines_ = 0, dropped_ = 0;
    std::uint32_t bad_ = 0, others_ = 0;  // seen since the last line of its kind
};

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// The last events of the node, as the kernel told them, with a number each; and, in their place,
// how many were lost. What happened to endpoints is rare, and stays longer than what single
// connections did. A plain container: knows no names and no ring.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "maps/abi/event.h"

namespace weir {

struct FlowEntry {
    weir_event event{};                    // of a gap: only at_ns
    std::uint64_t lost = 0, left_out = 0;  // not both 0: a gap
    bool is_gap() const { return lost != 0 || left_out != 0; }
};

// That an endpoint was ejected, tried or restored, or that all of a service are out.
inline bool is_of_endpoint(const weir_event& event) {
    return event.kind >= WEIR_EVENT_EJECTED && event.kind <= WEIR_EVENT_PANIC;
}

class FlowStore {
  public:
    explicit FlowStore(std::size_t keep) : keep_(keep) {}

    void add(const weir_event& event);
    // So many were lost since the entry before, or left out by the bound of their service.
    void add_gap(std::uint64_t at_ns, std::uint64_t lost, std::uint64_t left_out);

    // The number of the next entry.
    std::uint64_t next() const { return next_; }
    // The entries from number `from` on; what is gone by now is a gap at their start.
    std::vector<FlowEntry> from(std::uint64_t from) const;
    // The same without copying, and without that gap.
    template <typename Function>
    void each_from(std::uint64_t from, Function function) const {
        const std::uint64_t first = next_ - entries_.size();
        for (const auto& [number, entry] : of_endpoints_)
            if (number >= from)
                function(entry);
        for (auto number = std::max(from, first); number < next_; number++)
            function(entries_[number - first]);
    }

  private:
    void push(FlowEntry entry);

    std::size_t keep_;
    std::deque<FlowEntry> entries_;
    std::deque<std::pair<std::uint64_t, FlowEntry>> of_endpoints_;  // those before entries_
    std::uint64_t next_ = 0;
};

}  // namespace weir

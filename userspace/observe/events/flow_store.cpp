// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/events/flow_store.h"

namespace weir {

void FlowStore::push(FlowEntry entry) {
    entries_.push_back(entry);
    next_++;
    if (entries_.size() > keep_)
        entries_.pop_front();
}

void FlowStore::add(const weir_event& event) {
    push({event, 0, 0});
}

void FlowStore::add_gap(std::uint64_t at_ns, std::uint64_t lost, std::uint64_t left_out) {
    FlowEntry gap{{}, lost, left_out};
    gap.event.at_ns = at_ns;
    if (gap.is_gap())
        push(gap);
}

std::vector<FlowEntry> FlowStore::from(std::uint64_t from) const {
    const std::uint64_t first = next_ - entries_.size();
    std::vector<FlowEntry> found;
    if (from < first && from != 0 && !entries_.empty()) {
        FlowEntry gap{{}, first - from, 0};
        gap.event.at_ns = entries_.front().event.at_ns;
        found.push_back(gap);
    }
    each_from(from, [&](const FlowEntry& entry) { found.push_back(entry); });
    return found;
}

}  // namespace weir

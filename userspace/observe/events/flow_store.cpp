// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/events/flow_store.h"

namespace weir {

namespace {

constexpr std::size_t kOfEndpoints = 8;  // one such entry is kept for so many others

}  // namespace

void FlowStore::push(FlowEntry entry) {
    entries_.push_back(entry);
    next_++;
    if (entries_.size() <= keep_)
        return;
    if (!entries_.front().is_gap() && is_of_endpoint(entries_.front().event))
        of_endpoints_.emplace_back(next_ - entries_.size(), entries_.front());
    if (of_endpoints_.size() > keep_ / kOfEndpoints)
        of_endpoints_.pop_front();
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
    const auto kept = static_cast<std::uint64_t>(
        std::count_if(of_endpoints_.begin(), of_endpoints_.end(),
                      [from](const auto& one) { return one.first >= from; }));
    if (from < first && from != 0 && first - from > kept) {
        FlowEntry gap{{}, first - from - kept, 0};
        gap.event.at_ns = entries_.front().event.at_ns;
        found.push_back(gap);
    }
    each_from(from, [&](const FlowEntry& entry) { found.push_back(entry); });
    return found;
}

}  // namespace weir

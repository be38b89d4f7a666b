// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/events/event_reader.h"

#include <utility>

#include "maps/clock.h"

namespace weir {
namespace {

void add(__u64& word, std::uint64_t more) {
    MmapArray<weir_node>::store_word(word, word + more);
}

}  // namespace

Result<EventReader> EventReader::open(const Tables& tables, weir_node& node) {
    WEIR_TRY(EventRing ring, EventRing::map(tables.events.get(), true));
    return EventReader(tables, node, std::move(ring));
}

std::size_t EventReader::take(FlowStore& store, std::size_t most) {
    return ring_.take(
        [&](const weir_event* event) {
            if (event == nullptr) {
                add(node_->events_passed, 1);
                passed_++;
                return;
            }
            add(node_->events_read, 1);
            store.add(*event);
        },
        most);
}

Status EventReader::show_gaps(FlowStore& store) {
    WEIR_TRY(const auto reasons, tables_->reasons());
    const auto lost = reasons.at(WEIR_REASON_EVENT_LOST) - node_->events_lost_shown;
    const auto left_out = reasons.at(WEIR_REASON_EVENT_LIMITED) - node_->events_left_out_shown;
    store.add_gap(monotonic_ns(), lost + std::exchange(passed_, 0), left_out);
    add(node_->events_lost_shown, lost);
    add(node_->events_left_out_shown, left_out);
    return {};
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/events/event_reader.h"

#include <cstring>
#include <utility>

#include "maps/clock.h"

namespace weir {

Result<EventReader> EventReader::open(const Tables& tables) {
    WEIR_TRY(EventRing ring, EventRing::map(tables.events.get(), true));
    WEIR_TRY(const auto reasons, tables.reasons());
    EventReader reader(tables, std::move(ring));
    reader.lost_ = reasons.at(WEIR_REASON_EVENT_LOST);
    reader.left_out_ = reasons.at(WEIR_REASON_EVENT_LIMITED);
    return reader;
}

Result<EventReader::Taken> EventReader::take(FlowStore& store, std::size_t most) {
    Taken taken;
    const auto records = ring_.take(
        [&](std::span<const std::byte> record) {
            weir_event event{};
            std::memcpy(&event, record.data(), std::min(record.size(), sizeof(event)));
            if (record.size() < sizeof(event) || event.abi != WEIR_ABI_VERSION) {
                taken.passed++;
                return;
            }
            store.add(event);
            taken.read++;
        },
        most);
    passed_ += taken.passed;
    if (records == most)
        return taken;  // what was lost found the ring full: it is behind all that was in it
    WEIR_TRY(const auto reasons, tables_->reasons());
    const auto lost = reasons.at(WEIR_REASON_EVENT_LOST),
               left_out = reasons.at(WEIR_REASON_EVENT_LIMITED);
    store.add_gap(monotonic_ns(), lost - lost_ + std::exchange(passed_, 0), left_out - left_out_);
    lost_ = lost;
    left_out_ = left_out;
    return taken;
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include "userspace/reconcile/holds.h"

#include <algorithm>
#include <atomic>

#include "maps/clock.h"
#include "maps/mapped_row.h"
#include "userspace/model/endpoint_rows.h"

namespace weir {
namespace {

void store_state(__u64& word, std::uint64_t value) {
    MmapArray<weir_ep_state>::store_word(word, value);
}

std::uint64_t load_state(const __u64& word) {
    return MmapArray<weir_ep_state>::load_word(word);
}

Result<MappedRow<weir_ep_state>> state_of(const Tables& tables, EndpointRow row) {
    if (row.svc_port >= tables.svc_port.size())
        return fail("service port row is beyond its table");
    return MappedRow<weir_ep_state>::map(tables.ep_state.fd(), row.endpoint);
}

// Ended: nobody looks at it any more, unless it was just prolonged. Without outlier detection
// nobody else would bring the endpoint back.
Status end_hold(Tables& tables, EndpointRow row, std::uint64_t until_ns) {
    WEIR_TRY(auto state, state_of(tables, row));
    __u64 ended = until_ns;
    std::atomic_ref<__u64>(state->held_until_ns).compare_exchange_strong(ended, 0);
    const auto* settings = settings_in_force(tables, row.svc_port);
    if (settings != nullptr && settings->eject_after != 0)
        return {};
    ended = until_ns;
    if (std::atomic_ref<__u64>(state->ejected_until_ns).compare_exchange_strong(ended, 0))
        store_state(state->changed_ns, monotonic_ns());
    return {};
}

}  // namespace

// The kernel changes `ejected_until_ns` by compare-and-swap only, and not of one that is held: what
// is stored last is the hold's.
Status eject_by_hand(Tables& tables, EndpointRow row, std::uint64_t until_ns) {
    WEIR_TRY(auto state, state_of(tables, row));
    auto& gate = tables.svc_port[row.svc_port].held_until_ns;
    if (load_state(state->ejected_until_ns) == 0)
        store_state(state->changed_ns, monotonic_ns());
    store_state(state->held_until_ns, until_ns);
    store_state(state->ejected_until_ns, until_ns);
    store_state(gate, std::max(load_state(gate), until_ns));
    return {};
}

Status restore_by_hand(Tables& tables, EndpointRow row) {
    WEIR_TRY(auto state, state_of(tables, row));
    std::atomic_ref<__u32>(state->failures).store(0);
    std::atomic_ref<__u32>(state->resets).store(0);
    store_state(state->window, 0);
    store_state(state->changed_ns, monotonic_ns());
    store_state(state->held_until_ns, 0);
    store_state(state->ejected_until_ns, 0);
    return {};
}

Status HoldWatch::look_at(Tables& tables, std::uint32_t svc_port, std::uint64_t now_ns,
                          std::vector<HoldChange>& changes) {
    auto& gate = tables.svc_port[svc_port].held_until_ns;
    const auto all_end = load_state(gate);
    WEIR_TRY(const auto endpoints, endpoint_states(tables, svc_port));
    for (const auto& [id, state] : endpoints) {
        const EndpointRow row{svc_port, id};
        const auto until = state.held_until_ns;
        const auto known = held_.find(row);
        if (until > now_ns && (known == held_.end() || known->second.until_ns != until)) {
            held_[row] = {row, tables.endpoint[id], until};
            changes.push_back(held_[row]);
        }
        if (until != 0 && until <= now_ns)
            WEIR_CHECK(end_hold(tables, row, until));
    }
    __u64 ended = all_end;
    if (all_end != 0 && all_end <= now_ns)
        std::atomic_ref<__u64>(gate).compare_exchange_strong(ended, 0);
    return {};
}

Result<std::vector<HoldChange>> HoldWatch::look(Tables& tables, std::uint32_t rows,
                                                std::uint64_t now_ns) {
    std::vector<HoldChange> changes;
    for (std::uint32_t id = 0; id < rows; id++)
        if (load_state(tables.svc_port[id].held_until_ns) != 0)
            WEIR_CHECK(look_at(tables, id, now_ns, changes));
    // Those that ended, were restored, or have left with their service.
    for (auto known = held_.begin(); known != held_.end();) {
        const auto& [row, hold] = *known;
        WEIR_TRY(const auto state, tables.ep_state.find(row.endpoint));
        if (state && state->generation == hold.endpoint.generation &&
            state->held_until_ns > now_ns) {
            ++known;
            continue;
        }
        changes.push_back({row, hold.endpoint, 0});
        known = held_.erase(known);
    }
    return changes;
}

}  // namespace weir

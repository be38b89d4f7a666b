// SPDX-License-Identifier: Apache-2.0
#include "userspace/reconcile/holds.h"

#include <algorithm>
#include <atomic>
#include <optional>

#include "maps/clock.h"
#include "maps/mapped_row.h"
#include "userspace/model/endpoint_rows.h"

namespace weir {
namespace {

// Stands in `held_until_ns` until an agent has seen that an operator restored an endpoint that
// outlier detection had out: a time that is long over for everybody else.
constexpr std::uint64_t kRestored = 1;

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

// The kernel changes `ejected_until_ns` by compare-and-swap only, and not of one that is held: what
// is stored last is the hold's.
Status hold(Tables& tables, EndpointRow row, std::uint64_t until_ns) {
    WEIR_TRY(auto state, state_of(tables, row));
    auto& gate = tables.svc_port[row.svc_port].held_until_ns;
    if (load_state(state->ejected_until_ns) == 0)
        store_state(state->changed_ns, monotonic_ns());
    store_state(state->held_until_ns, until_ns);
    store_state(state->ejected_until_ns, until_ns);
    store_state(gate, std::max(load_state(gate), until_ns));
    return {};
}

Status restore(Tables& tables, EndpointRow row) {
    WEIR_TRY(auto state, state_of(tables, row));
    std::atomic_ref<__u32>(state->failures).store(0);
    std::atomic_ref<__u32>(state->resets).store(0);
    store_state(state->window, 0);
    store_state(state->changed_ns, monotonic_ns());
    const bool was_out = load_state(state->ejected_until_ns) != 0;
    store_state(state->held_until_ns, was_out ? kRestored : 0);
    store_state(state->ejected_until_ns, 0);
    auto& gate = tables.svc_port[row.svc_port].held_until_ns;
    if (was_out && load_state(gate) == 0)
        store_state(gate, kRestored);
    return {};
}

// Where the endpoint of a row has moved to.
std::optional<EndpointRow> moved_to(const Tables& tables, EndpointRow row) {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const auto to = row.endpoint < tables.endpoint.size()
                        ? __atomic_load_n(&tables.endpoint[row.endpoint].moved_to, __ATOMIC_ACQUIRE)
                        : 0;
    return to != 0 ? std::optional(EndpointRow{row.svc_port, to - 1}) : std::nullopt;
}

}  // namespace

// Stored, and then looked where the endpoint is; who moves it stores that, and then looks for what
// is stored here: one of the two sees the other.
Status eject_by_hand(Tables& tables, EndpointRow row, std::uint64_t until_ns) {
    WEIR_CHECK(hold(tables, row, until_ns));
    const auto moved = moved_to(tables, row);
    return moved ? hold(tables, *moved, until_ns) : Status();
}

Status take_over_hold(Tables& tables, std::uint32_t from, std::uint32_t to) {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (to >= tables.endpoint.size())
        return fail("endpoint row is beyond its table");
    const EndpointRow now{tables.endpoint[to].svc_port, to};
    WEIR_TRY(auto was, state_of(tables, {now.svc_port, from}));
    WEIR_TRY(auto state, state_of(tables, now));
    const auto until = load_state(was->held_until_ns);
    if (until <= load_state(state->held_until_ns))
        return {};
    return until == kRestored ? restore(tables, now) : hold(tables, now, until);
}

Status restore_by_hand(Tables& tables, EndpointRow row) {
    WEIR_CHECK(restore(tables, row));
    const auto moved = moved_to(tables, row);
    return moved ? restore(tables, *moved) : Status();
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
        if (until == kRestored && known == held_.end())
            changes.push_back({row, tables.endpoint[id], 0, true});
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

// SPDX-License-Identifier: Apache-2.0
#include "userspace/reconcile/repair.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "bpf/core/published.h"
#include "userspace/reconcile/table_writer.h"

namespace weir {
namespace {

// Rows without padding, compared and written as the bytes that they are.
template <typename Row>
std::uint64_t mend(Row& row, const Row& wanted) {
    if (std::memcmp(&row, &wanted, sizeof(row)) == 0)
        return 0;
    row = wanted;
    return 1;
}

std::uint64_t mend_range(Tables& tables, const LiveState& live, std::uint32_t svc_port,
                         const LiveRange& range) {
    std::uint64_t mended = 0;
    for (std::size_t i = 0; i < range.rows.size(); i++) {
        const auto& row = range.rows[i];
        const auto id = range.base + static_cast<std::uint32_t>(i);
        if (row.state != LiveEndpoint::State::kFree)
            mended += mend(tables.endpoint[id],
                           endpoint_row(row, svc_port, live.endpoint_generations.at(id)));
    }
    return mended;
}

// What is published leads to whole rows at every moment: they come first.
std::uint64_t mend_port(Tables& tables, const LiveState& live, std::uint32_t id,
                        const LivePort& port) {
    if (port.published == 0)
        return 0;
    auto mended = mend_range(tables, live, id, port.range);
    auto* words = &tables.slot[port.slots.offset];
    for (const auto word : port.slots.words)
        mended += mend(*words++, word);
    auto& row = tables.svc_port[id];
    mended += mend(row.settings[weir_published_decode(port.published).settings], port.settings);
    if (MmapArray<weir_svc_port>::load_word(row.published) != port.published) {
        MmapArray<weir_svc_port>::store_word(row.published, port.published);
        mended++;
    }
    return mended;
}

Result<std::uint64_t> mend_vips(Tables& tables, const LiveState& live) {
    std::uint64_t mended = 0;
    WEIR_TRY(const auto rows, tables.vip.rows());
    std::size_t known = 0;
    for (const auto& [key, vip] : rows) {
        const auto owner = live.vip_owners.find(Vip::from_key(key));
        if (owner == live.vip_owners.end()) {
            WEIR_CHECK(tables.vip.erase(key));
            mended++;
            continue;
        }
        known++;
        if (vip.svc_port == owner->second)
            continue;
        WEIR_CHECK(tables.vip.put(key, {owner->second}));
        mended++;
    }
    if (known == live.vip_owners.size())
        return mended;
    for (const auto& [vip, owner] : live.vip_owners) {
        WEIR_TRY(const auto row, tables.vip.find(vip.key()));
        if (row)
            continue;
        WEIR_CHECK(tables.vip.put(vip.key(), {owner}));
        mended++;
    }
    return mended;
}

Result<std::uint64_t> mend_patterns(Tables& tables, const LiveState& live) {
    std::uint64_t mended = 0;
    WEIR_TRY(const auto keys, tables.cg_prefix.keys());
    for (const auto& key : keys)
        if (!live.patterns.contains(pattern_of(key))) {
            WEIR_CHECK(tables.cg_prefix.erase(key));
            mended++;
        }
    for (const auto& [pattern, id] : live.patterns) {
        const auto mode = live.pattern_modes.find(pattern);
        const weir_workload wanted{id, mode == live.pattern_modes.end() ? __u32{WEIR_MODE_STEER}
                                                                        : mode->second};
        const auto key = pattern_key(pattern);
        WEIR_TRY(const auto row, tables.cg_prefix.find(key));
        if (row && row->id == wanted.id && row->mode == wanted.mode)
            continue;
        WEIR_CHECK(tables.cg_prefix.put(key, wanted));
        mended++;
    }
    return mended;
}

}  // namespace

Result<std::uint64_t> Repairer::look(Tables& tables, const LiveState& live) {
    std::uint64_t mended = 0;
    turn_ = (turn_ + 1) % kLooks;
    for (const auto& [id, port] : live.ports)
        if (id % kLooks == turn_)
            mended += mend_port(tables, live, id, port);
    if (turn_ != 0)
        return mended;
    for (const auto& [id, range] : live.leaving_ports)
        mended += mend_range(tables, live, id, range);
    for (const auto& [id, range] : live.leaving_ranges)
        mended += mend_range(tables, live, id, range);
    mended += mend_vip_filter(tables, live);
    WEIR_TRY(const auto vips, mend_vips(tables, live));
    WEIR_TRY(const auto patterns, mend_patterns(tables, live));
    return mended + vips + patterns;
}

}  // namespace weir

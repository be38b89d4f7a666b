// SPDX-License-Identifier: Apache-2.0
#include "userspace/reconcile/repair.h"

#include "userspace/reconcile/table_writer.h"

namespace weir {
namespace {

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
    for (const auto& [pattern, wanted] : live.patterns) {
        const auto key = pattern_key(pattern);
        WEIR_TRY(const auto row, tables.cg_prefix.find(key));
        if (row && same(*row, wanted))
            continue;
        WEIR_CHECK(tables.cg_prefix.put(key, wanted));
        mended++;
    }
    return mended;
}

}  // namespace

Result<std::uint64_t> Repairer::look(Tables& tables, const LiveState& live, const Mirror& mirror) {
    turn_ = (turn_ + 1) % kLooks;
    const auto mended = mirror.mend(tables, turn_, kLooks);
    if (turn_ != 0)
        return mended;
    const auto filter = mend_vip_filter(tables, live);
    WEIR_TRY(const auto vips, mend_vips(tables, live));
    WEIR_TRY(const auto patterns, mend_patterns(tables, live));
    return mended + filter + vips + patterns;
}

}  // namespace weir

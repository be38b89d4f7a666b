// SPDX-License-Identifier: Apache-2.0
#include "userspace/reconcile/mirror.h"

#include <algorithm>
#include <cstring>

namespace weir {
namespace {

template <typename Row>
bool same(const Row& a, const Row& b) {
    return std::memcmp(&a, &b, sizeof(a)) == 0;  // rows have no padding
}

// Up to the last one that is not zero.
template <typename Row>
std::vector<Row> copy_of(const MmapArray<Row>& table) {
    std::uint32_t count = table.size();
    while (count > 0 && same(table[count - 1], Row{}))
        count--;
    return count == 0 ? std::vector<Row>() : std::vector<Row>(&table[0], &table[0] + count);
}

struct Part {
    std::uint32_t from, to;
};

Part part_of(std::size_t size, std::uint32_t part, std::uint32_t parts) {
    return {static_cast<std::uint32_t>(size * part / parts),
            static_cast<std::uint32_t>(size * (part + 1) / parts)};
}

template <typename Row>
bool same_part(const MmapArray<Row>& table, const std::vector<Row>& wanted, Part part) {
    return part.from == part.to || std::memcmp(&table[part.from], &wanted[part.from],
                                               (part.to - part.from) * sizeof(Row)) == 0;
}

template <typename Row>
std::uint64_t mend_rows(MmapArray<Row>& table, const std::vector<Row>& wanted, Part part) {
    if (same_part(table, wanted, part))
        return 0;
    std::uint64_t mended = 0;
    for (auto id = part.from; id < part.to; id++) {
        if (same(table[id], wanted[id]))
            continue;
        table[id] = wanted[id];
        mended++;
    }
    return mended;
}

std::uint64_t mend_svc_port(weir_svc_port& row, const weir_svc_port& wanted) {
    std::uint64_t mended = 0;
    for (int which = 0; which < 2; which++) {
        if (same(row.settings[which], wanted.settings[which]))
            continue;
        row.settings[which] = wanted.settings[which];
        mended++;
    }
    if (MmapArray<weir_svc_port>::load_word(row.published) == wanted.published)
        return mended;
    MmapArray<weir_svc_port>::store_word(row.published, wanted.published);
    return mended + 1;
}

}  // namespace

Mirror::Mirror(const Tables& tables)
    : endpoint_(copy_of(tables.endpoint)),
      svc_port_(copy_of(tables.svc_port)),
      slot_(copy_of(tables.slot)) {}

// What is published leads to whole rows: they come first.
std::uint64_t Mirror::mend(Tables& tables, std::uint32_t part, std::uint32_t parts) const {
    auto mended = mend_rows(tables.endpoint, endpoint_, part_of(endpoint_.size(), part, parts));
    mended += mend_rows(tables.slot, slot_, part_of(slot_.size(), part, parts));
    const auto ports = part_of(svc_port_.size(), part, parts);
    if (same_part(tables.svc_port, svc_port_, ports))
        return mended;
    for (auto id = ports.from; id < ports.to; id++)
        mended += mend_svc_port(tables.svc_port[id], svc_port_[id]);
    return mended;
}

}  // namespace weir

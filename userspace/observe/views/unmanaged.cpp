// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/unmanaged.h"

#include <array>
#include <map>
#include <tuple>

namespace weir {

Result<std::vector<UnmanagedView>> unmanaged_views(const Tables& tables, const Names& names) {
    constexpr std::array<const char*, WEIR_DESTINATIONS> kDestinations{"node", "private",
                                                                       "outside"};
    std::map<std::tuple<std::string, std::string, std::string>, std::uint64_t> sums;
    WEIR_TRY(const auto rows, tables.unmanaged.rows());
    for (const auto& [key, row] : rows)
        if (key.destination < kDestinations.size())
            sums[{names.workload(key.workload), kDestinations.at(key.destination),
                  key.proto == WEIR_PROTO_UDP ? "UDP" : "TCP"}] += row.connects;
    std::vector<UnmanagedView> views;
    for (const auto& [name, connects] : sums)
        views.push_back({std::get<0>(name), std::get<1>(name), std::get<2>(name), connects});
    return views;
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// Outlier detection by service: how often it ejected an endpoint, how many are out, and whether the
// service is in panic. From the tables, with or without an agent; a service that never had one out
// costs one lookup.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "userspace/observe/views/names.h"

namespace weir {

struct OutlierView {
    std::string service;  // "orders.shop"
    std::uint16_t port = 0;
    std::string protocol;
    std::uint64_t ejections = 0;  // since the service port came; tries that failed are in it
    std::uint32_t ejected = 0;    // that are out now, those by hand included
    bool panics = false;          // a connect was told so in the last minute
};

// Those that ever had one out, or are in panic; by their rows.
Result<std::vector<OutlierView>> outlier_views(const Tables& tables, const Names& names);

}  // namespace weir

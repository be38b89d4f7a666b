// SPDX-License-Identifier: Apache-2.0
// Carries out operations on the tables, one after the other, and nothing else: the order is the
// plan's.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "maps/tables.h"
#include "userspace/model/live.h"
#include "userspace/model/operation.h"
#include "userspace/reconcile/mirror.h"

namespace weir {

// Called before each operation with its number; false stops there, as a crash would. For tests.
using BeforeWrite = std::function<bool(std::size_t)>;

// How many operations were carried out; fewer than all only when `before` said stop.
Result<std::size_t> carry_out(Tables& tables, Mirror& mirror,
                              const std::vector<Operation>& operations,
                              const BeforeWrite& before = {});

// Makes the filter what the addresses in the kernel say; how many words were not. Safe at any time
// between batches.
std::uint64_t mend_vip_filter(Tables& tables, const LiveState& live);

}  // namespace weir

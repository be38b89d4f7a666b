// SPDX-License-Identifier: Apache-2.0
// Who owns each of the 65,536 hash slots, for consistent hashing with more endpoints than are worth
// comparing at each connect: the same owner that the comparison would find, so that it makes no
// difference on which side of the limit a service is. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "userspace/model/slots.h"

namespace weir {

// In the order in which bids are compared: the same on every node, so that equal bids are too.
std::vector<WeightedIndex> in_hash_order(std::vector<WeightedIndex> entries);

// Endpoint indices by hash slot. `entries` in hash order, not empty.
std::vector<std::uint16_t> hash_table(const std::vector<WeightedIndex>& entries);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// The records of a service port's subsets, added to what is published of it (bpf/core/subset.h
// says what is in them). Pure.
#pragma once

#include <string>
#include <vector>

#include "userspace/model/slots.h"

namespace weir {

struct DesiredSubset {
    std::string name;
    std::uint32_t weight = 1;
    auto operator<=>(const DesiredSubset&) const = default;
};

void add_subsets(const std::vector<DesiredSubset>& subsets,
                 const std::vector<WeightedIndex>& entries, SlotPlan& plan);

// A subset as it is published: its weight, and the indices that its slots lead to.
struct PublishedSubset {
    std::uint32_t weight = 0;
    std::uint64_t seed = 0;
    std::vector<std::uint32_t> near, whole;  // some more than once
};

// Of sockets of that reach. `words`: all that is published of the service port; records that lead
// out of them are left out.
std::vector<PublishedSubset> subsets_in(const weir_svc_settings& settings, std::uint32_t reach,
                                        const std::vector<std::uint64_t>& words);

}  // namespace weir

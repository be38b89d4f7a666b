// SPDX-License-Identifier: Apache-2.0
#include "userspace/model/subsets.h"

#include <algorithm>

#include "bpf/core/consistent_hash.h"

namespace weir {
namespace {

bool has_labels(const Endpoint& endpoint, const Labels& labels) {
    return std::all_of(labels.begin(), labels.end(), [&](const auto& label) {
        const auto found = endpoint.labels.find(label.first);
        return found != endpoint.labels.end() && found->second == label.second;
    });
}

constexpr std::uint64_t kFnvOffset = 0xcbf29ce484222325U, kFnvPrime = 0x100000001b3U;

}  // namespace

std::uint32_t subsets_of(const Endpoint& endpoint, const std::vector<Subset>& subsets) {
    std::uint32_t bits = 0;
    for (std::size_t n = 0; n < subsets.size(); n++)
        bits |= has_labels(endpoint, subsets[n].labels) ? 1U << n : 0U;
    return bits;
}

bool takes_connections(const Endpoint& endpoint, const std::vector<Subset>& subsets) {
    return endpoint.weight > 0 &&
           (subsets.empty() ||
            std::any_of(subsets.begin(), subsets.end(), [&](const Subset& subset) {
                return subset.weight > 0 && has_labels(endpoint, subset.labels);
            }));
}

bool tells_zones_apart(const Service& service, const std::string& zone) {
    const auto is_near = [&](const Endpoint& endpoint) { return endpoint.zone == zone; };
    const auto& endpoints = service.endpoints;
    return service.prefers_zone && !zone.empty() &&
           std::any_of(endpoints.begin(), endpoints.end(), is_near) &&
           !std::all_of(endpoints.begin(), endpoints.end(), is_near);
}

// FNV-1a (Fowler, Noll, Vo), mixed, so that all bits are of use.
std::uint64_t name_hash(std::string_view name) {
    std::uint64_t hash = kFnvOffset;
    for (const char c : name)
        hash = (hash ^ static_cast<unsigned char>(c)) * kFnvPrime;
    return weir_mix64(hash);
}

std::uint16_t cohort_of(std::string_view workload) {
    return static_cast<std::uint16_t>(name_hash(workload) >> 48U);
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/shares.h"

#include <algorithm>
#include <cmath>

#include "bpf/core/pick.h"
#include "bpf/core/slow_start.h"
#include "bpf/core/subset.h"
#include "maps/clock.h"
#include "userspace/model/subset_records.h"
#include "userspace/model/subsets.h"

namespace weir {
namespace {

constexpr std::size_t kMostCompared = 512;  // a quarter of a million pairs

// Two are drawn, and the better one is taken: pick__least_latency, but for its tries.
void share_out_by_duels(double part, const std::vector<ShareCandidate>& candidates,
                        const std::vector<std::size_t>& in, std::vector<double>& shares) {
    const auto load = [&](std::size_t i) {
        auto found = candidates[i].load.value_or(weir_candidate{});
        found.weight = candidates[i].weight;
        return found;
    };
    const double each = part / static_cast<double>(in.size() * (in.size() - 1));
    for (const auto first : in)
        for (const auto second : in) {
            if (first == second)
                continue;
            const bool first_wins = weir_is_quicker(load(first), load(second), 1) != 0;
            const auto winner = first_wins ? first : second, loser = first_wins ? second : first;
            // One luck for both: some of it lets only the one in that has grown further.
            const double lost = std::max(0.0, candidates[loser].grown - candidates[winner].grown);
            shares[winner] += each * (1 - lost);
            shares[loser] += each * lost;
        }
}

// Shares a part of the connections out over those of a group that are in; false: none is.
bool share_out(double part, const std::vector<ShareCandidate>& candidates,
               const std::set<std::string>* group, std::vector<double>& shares) {
    std::vector<std::size_t> in;
    double weights = 0;
    bool are_compared = false;
    for (std::size_t i = 0; i < candidates.size(); i++) {
        const auto& one = candidates[i];
        if (!one.in || one.weight == 0 || (group != nullptr && !group->contains(one.endpoint)))
            continue;
        in.push_back(i);
        weights += one.weight * one.grown;
        are_compared |= one.load.has_value();
    }
    if (are_compared && in.size() > 1 && in.size() <= kMostCompared)
        share_out_by_duels(part, candidates, in, shares);
    else
        for (const auto i : in)
            shares[i] += part * candidates[i].weight * candidates[i].grown / weights;
    return !in.empty();
}

// As group__is_short has it: two draws that are both out leave the zone.
double spilled(const std::vector<ShareCandidate>& candidates, const SubsetView& subset) {
    double in = 0, all = 0;
    for (const auto& one : candidates) {
        if (!subset.near.contains(one.endpoint))
            continue;
        const double weight = subset.are_compared ? 1 : one.weight;
        all += weight;
        in += one.in ? weight : 0;
    }
    const double out = in > 0 ? 1 - in / all : 1;
    return out * out;
}

}  // namespace

std::vector<SubsetView> subset_views(const Tables& tables, const PublishedPort& port,
                                     std::uint32_t reach) {
    const auto& settings = port.settings;
    const auto names = [&](const std::vector<std::uint32_t>& indices) {
        std::set<std::string> found;
        for (const auto index : std::set<std::uint32_t>(indices.begin(), indices.end()))
            if (const auto id = settings.endpoint_base + index; id < tables.endpoint.size())
                found.insert(endpoint_str(tables.endpoint[id]));
        return found;
    };
    const bool are_compared =
        settings.algorithm != WEIR_ALGORITHM_RANDOM && !weir_is_packed(settings.algorithm);
    std::vector<SubsetView> views;
    for (const auto& subset : subsets_in(settings, reach, port.words))
        views.push_back(
            {subset.weight, subset.seed, names(subset.near), names(subset.whole), are_compared});
    return views;
}

std::optional<std::size_t> subset_of_caller(const std::vector<SubsetView>& subsets,
                                            const std::string& workload) {
    const auto key = weir_cohort_key(workload == "unknown" ? 0 : cohort_of(workload));
    std::optional<std::size_t> best;
    std::uint32_t best_cost = WEIR_NO_BID_COST, best_weight = WEIR_NO_BID_WEIGHT;
    for (std::size_t n = 0; n < subsets.size(); n++) {
        const auto cost = weir_rendezvous_cost(key, subsets[n].seed);
        if (subsets[n].whole.empty() || subsets[n].weight == 0 ||
            weir_rendezvous_wins(cost, subsets[n].weight, best_cost, best_weight) == 0)
            continue;
        best = n;
        best_cost = cost;
        best_weight = subsets[n].weight;
    }
    return best;
}

Result<std::map<std::string, weir_candidate>> loads_of(const Tables& tables,
                                                       std::uint32_t svc_port) {
    std::map<std::string, weir_candidate> loads;
    const auto* settings = settings_in_force(tables, svc_port);
    if (settings == nullptr || settings->algorithm != WEIR_ALGORITHM_LEAST_LATENCY)
        return loads;
    WEIR_TRY(const auto endpoints, endpoint_states(tables, svc_port));
    for (const auto& [id, state] : endpoints)
        loads[endpoint_str(tables.endpoint[id])] = {
            weir_latency_us(state.latency_word),
            static_cast<std::uint32_t>(weir_latency_is_known(state.latency_word)),
            static_cast<std::uint32_t>(std::min<std::uint64_t>(state.active, WEIR_ACTIVE_MOST)), 0};
    return loads;
}

Result<std::map<std::string, double>> slow_starts_of(const Tables& tables, std::uint32_t svc_port) {
    std::map<std::string, double> grown;
    const auto* settings = settings_in_force(tables, svc_port);
    if (settings == nullptr || settings->slow_start_ms == 0)
        return grown;
    WEIR_TRY(const auto endpoints, endpoint_states(tables, svc_port));
    for (const auto& [id, state] : endpoints) {
        const auto share =
            weir_slow_start_share(state.changed_ns, monotonic_ns(), settings->slow_start_ms);
        if (share < WEIR_SHARE_WHOLE)
            grown[endpoint_str(tables.endpoint[id])] = share / double{WEIR_SHARE_WHOLE};
    }
    return grown;
}

std::string slow_start_str(double grown) {
    return "slow start: " + std::to_string(std::lround(grown * 100)) + " % of its share";
}

std::vector<double> shares_of(const std::vector<ShareCandidate>& candidates,
                              const std::vector<SubsetView>& subsets,
                              std::optional<std::size_t> only) {
    std::vector<double> shares(candidates.size());
    const auto weight = [&](std::size_t n) {
        return subsets[n].whole.empty() || (only && *only != n) ? 0.0 : subsets[n].weight;
    };
    double sum = 0;
    for (std::size_t n = 0; n < subsets.size(); n++)
        sum += weight(n);
    if (sum <= 0) {
        share_out(1, candidates, nullptr, shares);
        return shares;
    }
    for (std::size_t n = 0; n < subsets.size(); n++) {
        const double part = weight(n) / sum, leaves = spilled(candidates, subsets[n]);
        share_out(part * (1 - leaves), candidates, &subsets[n].near, shares);
        if (!share_out(part * leaves, candidates, &subsets[n].whole, shares))
            share_out(part * leaves, candidates, nullptr, shares);
    }
    return shares;
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include "userspace/model/subset_records.h"

#include <algorithm>

#include "bpf/core/pick.h"
#include "bpf/core/subset.h"
#include "userspace/model/subsets.h"

namespace weir {
namespace {

using Entries = std::vector<WeightedIndex>;

template <typename Wanted>
Entries those(const Entries& entries, Wanted wanted) {
    Entries some;
    std::copy_if(entries.begin(), entries.end(), std::back_inserter(some), wanted);
    return some;
}

// Where the slots of some of the entries are: where those of all are, if that is who they are.
SlotSets sets_of(const Entries& some, const Entries& all, const SlotSets& sets_of_all,
                 SlotPlan& plan) {
    return some.size() == all.size() ? sets_of_all : add_sets(plan, some);
}

}  // namespace

void add_subsets(const std::vector<DesiredSubset>& subsets, const Entries& entries,
                 SlotPlan& plan) {
    if (subsets.empty())
        return;
    const SlotSets all{plan.v4, plan.v6, plan.both};
    plan.subsets = {static_cast<__u32>(plan.words.size()), static_cast<__u32>(subsets.size())};
    plan.words.resize(plan.words.size() + subsets.size() * WEIR_SUBSET_WORDS);
    for (std::uint32_t n = 0; n < subsets.size(); n++) {
        const auto members = those(
            entries, [n](const WeightedIndex& entry) { return (entry.subsets >> n & 1U) != 0; });
        const auto near = those(members, [](const WeightedIndex& entry) { return entry.near; });
        const auto whole = sets_of(members, entries, all, plan);
        const auto close = sets_of(near, members, whole, plan);
        auto* const record = &plan.words[plan.subsets.offset + n * WEIR_SUBSET_WORDS];
        record[WEIR_SUBSET_WEIGHT] = subsets[n].weight;
        record[WEIR_SUBSET_SEED] = name_hash(subsets[n].name);
        for (std::size_t reach = 0; reach < whole.size(); reach++) {
            record[WEIR_SUBSET_WHOLE + reach] = weir_slot_set_pack(whole.at(reach));
            record[WEIR_SUBSET_NEAR + reach] =
                near.empty() ? 0 : weir_slot_set_pack(close.at(reach));
        }
    }
}

std::vector<PublishedSubset> subsets_in(const weir_svc_settings& settings, std::uint32_t reach,
                                        const std::vector<std::uint64_t>& words) {
    std::vector<PublishedSubset> subsets;
    const auto inside = [&](std::uint64_t offset, std::uint64_t count) {
        return offset + count <= words.size();
    };
    const auto indices = [&](std::uint32_t group) {
        const auto set =
            weir_slot_set_unpack(words[settings.subsets.offset + weir_group_word(group, reach)]);
        return set.count <= WEIR_INDEX_MAX &&
                       inside(set.offset, weir_slot_words(settings.algorithm, set.count))
                   ? indices_in(settings, set, words)
                   : std::vector<std::uint32_t>();
    };
    for (std::uint32_t n = 0; n < std::min<std::uint32_t>(settings.subsets.count, WEIR_SUBSETS_MAX);
         n++) {
        const std::uint64_t at = settings.subsets.offset + std::uint64_t{n} * WEIR_SUBSET_WORDS;
        if (!inside(at, WEIR_SUBSET_WORDS))
            break;
        subsets.push_back({static_cast<std::uint32_t>(words[at + WEIR_SUBSET_WEIGHT]),
                           words[at + WEIR_SUBSET_SEED], indices(weir_group_of(n, 1)),
                           indices(weir_group_of(n, 0))});
    }
    return subsets;
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include "userspace/source/subset_settings.h"

#include <algorithm>

#include "maps/abi/service.h"
#include "userspace/source/fields.h"

namespace weir {
namespace {

constexpr std::uint32_t kSubsetWeightMax = 1'000'000;

void read_subset(const YamlNode& key, const YamlNode& node, Service& service, Diagnostics& found) {
    const std::string name = "subset \"" + key.scalar.substr(0, 64) + "\" of ";
    const Phrase what = name.c_str() + quoted("service", service.name);
    const MappingReader reader(node, what, {"labels", "weight"}, found);
    if (!check_name(key, "subset", found) || !reader.ok())
        return;
    Subset subset{key.scalar, {}, 1, key.origin};
    if (const auto* weight = reader.find("weight"))
        subset.weight = static_cast<std::uint32_t>(
            read_number(*weight, "`weight` of " + what, 0, kSubsetWeightMax, found).value_or(1));
    const auto* labels = reader.require("labels");
    if (labels == nullptr)
        return;
    subset.labels = read_labels(*labels, "`labels` of " + what, found);
    if (subset.labels.empty())
        found.error(labels->origin, what +
                                        " has no labels: write those that its endpoints have, "
                                        "such as {version: v1}");
    service.subsets.push_back(std::move(subset));
}

}  // namespace

void read_subsets(const YamlNode& node, Service& service, Diagnostics& found) {
    const Phrase what = "`subsets` of " + quoted("service", service.name);
    if (node.kind != YamlNode::Kind::kMapping) {
        found.error(node.origin, what +
                                     " is no mapping from names: write `v1: {labels: "
                                     "{version: v1}, weight: 90}`, one line per subset");
        return;
    }
    for (const auto& [key, value] : node.entries)
        read_subset(key, value, service, found);
    std::sort(service.subsets.begin(), service.subsets.end(),
              [](const Subset& a, const Subset& b) { return a.name < b.name; });
    if (service.subsets.size() > WEIR_SUBSETS_MAX) {
        found.error(node.origin, what + " are " + std::to_string(service.subsets.size()) +
                                     ": a service has at most " + std::to_string(WEIR_SUBSETS_MAX));
        service.subsets.resize(WEIR_SUBSETS_MAX);
    }
}

// As Kubernetes spells it; PreferClose is its earlier name.
void read_traffic_distribution(const YamlNode& node, Service& service, Diagnostics& found) {
    const Phrase what = "`trafficDistribution` of " + quoted("service", service.name);
    service.prefers_zone =
        read_choice(node, what, {"PreferSameZone", "PreferClose"}, found).has_value();
    service.origins.zone = node.origin;
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// Network or application? Of endpoints that answer late, by comparison with the others.
#include <algorithm>
#include <vector>

#include "userspace/observe/views/explain.h"
#include "userspace/observe/views/rates.h"

namespace weir {
namespace {

constexpr std::uint64_t kSamples = 10;  // fewer say nothing
constexpr double kMuch = 3;

// The median of what the others have; 0: none of them has enough.
double of_others(const std::vector<CandidateView>& all, const CandidateView& one,
                 Histogram Latencies::* which, std::uint64_t samples) {
    std::vector<double> medians;
    for (const auto& other : all)
        if (&other != &one && (other.latencies.*which).count() >= samples)
            medians.push_back((other.latencies.*which).quantile(0.5).value_or(0));
    if (medians.empty())
        return 0;
    std::nth_element(medians.begin(),
                     medians.begin() + static_cast<std::ptrdiff_t>(medians.size() / 2),
                     medians.end());
    return medians[medians.size() / 2];
}

}  // namespace

void remark_on_slow(std::vector<CandidateView>& candidates) {
    for (auto& one : candidates) {
        const auto& times = one.latencies;
        const double usual = of_others(candidates, one, &Latencies::first_byte, kSamples);
        if (!one.in || times.first_byte.count() < kSamples || usual == 0 ||
            times.first_byte.quantile(0.5).value_or(0) < kMuch * usual)
            continue;
        const double trip = times.rtt.quantile(0.5).value_or(0),
                     usual_trip = of_others(candidates, one, &Latencies::rtt, 1);
        const bool network = usual_trip > 0 && trip > kMuch * usual_trip &&
                             trip > times.first_byte.quantile(0.5).value_or(0) / 2;
        one.why = network ? "slow: the network, its round trip is long too"
                          : "slow: the application, its round trip is as the others'";
    }
}

ExplainView explain_between(const ExplainView& before, ExplainView now) {
    for (auto& one : now.candidates) {
        const auto was = std::find_if(
            before.candidates.begin(), before.candidates.end(),
            [&](const CandidateView& other) { return other.endpoint == one.endpoint; });
        if (was != before.candidates.end()) {
            one.counts = grown(was->counts, one.counts);
            one.latencies = grown(was->latencies, one.latencies);
        }
        if (one.in)
            one.why.clear();
    }
    remark_on_slow(now.candidates);
    return now;
}

}  // namespace weir

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

constexpr const char* kNetwork = "slow: the network, connecting takes long too";
constexpr const char* kApplication = "slow: the application, the network is as the others'";
constexpr const char* kUnknown = "slow: the network or the application, no connect tells";

bool is_long(const std::vector<CandidateView>& all, const CandidateView& one,
             Histogram Latencies::* which) {
    const double usual = of_others(all, one, which, 1);
    return usual > 0 && (one.latencies.*which).quantile(0.5).value_or(0) > kMuch * usual;
}

// The smoothed round trip has the endpoint's delayed acknowledgement in it, up to 40 ms where an
// answer takes as long: only a handshake is answered by the endpoint's kernel alone.
const char* why_slow(const std::vector<CandidateView>& all, const CandidateView& one) {
    if (!is_long(all, one, &Latencies::rtt))
        return kApplication;
    const bool tells =
        one.latencies.connect.count() != 0 && of_others(all, one, &Latencies::connect, 1) > 0;
    if (!tells)
        return kUnknown;
    return is_long(all, one, &Latencies::connect) ? kNetwork : kApplication;
}

}  // namespace

void remark_on_slow(std::vector<CandidateView>& candidates) {
    for (auto& one : candidates) {
        const auto& times = one.latencies.first_byte;
        const double usual = of_others(candidates, one, &Latencies::first_byte, kSamples);
        if (one.in && times.count() >= kSamples && usual != 0 &&
            times.quantile(0.5).value_or(0) >= kMuch * usual)
            one.why = why_slow(candidates, one);
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

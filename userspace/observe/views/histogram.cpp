// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/histogram.h"

#include <algorithm>
#include <numeric>

#include "bpf/core/latency.h"

namespace weir {

Histogram Histogram::of(const weir_histogram& row) {
    Histogram made;
    if (row.count != 0)
        made.buckets.assign(std::begin(row.buckets), std::end(row.buckets));
    made.sum_us = row.sum_us;
    return made;
}

Histogram& Histogram::operator+=(const Histogram& other) {
    if (buckets.empty())
        buckets.resize(other.buckets.size());
    for (std::size_t i = 0; i < other.buckets.size(); i++)
        buckets[i] += other.buckets[i];
    sum_us += other.sum_us;
    return *this;
}

std::uint64_t Histogram::count() const {
    return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
}

std::optional<double> Histogram::quantile(double share) const {
    const auto all = count();
    if (all == 0)
        return std::nullopt;
    const double wanted = share * static_cast<double>(all);
    double below = 0;
    std::uint32_t bucket = 0;
    for (std::uint32_t i = 0; i < buckets.size() && below < std::max(wanted, 1.0); i++)
        if (buckets[i] != 0) {
            below += static_cast<double>(buckets[i]);
            bucket = i;
        }
    const auto ends = weir_latency_floor_us(bucket) + weir_latency_floor_us(bucket + 1);
    return static_cast<double>(ends) / 2e6;
}

std::uint64_t Histogram::count_below(unsigned log2_us) const {
    const auto end = weir_latency_bucket(std::uint64_t{1} << log2_us);
    return std::accumulate(
        buckets.begin(),
        buckets.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(end, buckets.size())),
        std::uint64_t{0});
}

Latencies Latencies::of(const weir_latency& row) {
    return {Histogram::of(row.of[WEIR_LATENCY_CONNECT]), Histogram::of(row.of[WEIR_LATENCY_RTT]),
            Histogram::of(row.of[WEIR_LATENCY_FIRST_BYTE]), row.left_out};
}

Latencies& Latencies::operator+=(const Latencies& other) {
    connect += other.connect;
    rtt += other.rtt;
    first_byte += other.first_byte;
    left_out += other.left_out;
    return *this;
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// Histograms of times as the kernel's programs fill them (bpf/core/latency.h): added up, and asked
// for quantiles. Times are seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "maps/abi/latency.h"

namespace weir {

struct Histogram {
    std::vector<std::uint64_t> buckets;  // empty, or WEIR_LATENCY_BUCKETS
    std::uint64_t sum_us = 0;

    static Histogram of(const weir_histogram& row);
    Histogram& operator+=(const Histogram& other);

    std::uint64_t count() const;
    double sum() const { return static_cast<double>(sum_us) / 1e6; }
    // What `share` of the times (0 to 1) is not above; nullopt: there are none. The middle of
    // its bucket, which is at most a quarter wide: at most an eighth off.
    std::optional<double> quantile(double share) const;
    // How many are below 2^log2_us microseconds: the limits of buckets are among these.
    std::uint64_t count_below(unsigned log2_us) const;
};

// The three times of an edge.
struct Latencies {
    Histogram connect, rtt, first_byte;
    // Sampled connections that were left out: questions and answers do not take turns.
    std::uint64_t left_out = 0;

    static Latencies of(const weir_latency& row);
    Latencies& operator+=(const Latencies& other);
};

}  // namespace weir

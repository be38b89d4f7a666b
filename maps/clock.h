// SPDX-License-Identifier: Apache-2.0
// The clock that the tables' times are of.
#pragma once

#include <cstdint>
#include <ctime>

namespace weir {

// CLOCK_MONOTONIC, what bpf_ktime_get_ns() reads.
inline std::uint64_t monotonic_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(now.tv_nsec);
}

// How long one tick of the kernel's timers is: the coarse clocks move once in each.
inline std::uint32_t tick_ns() {
    timespec tick{};
    const bool known = ::clock_getres(CLOCK_MONOTONIC_COARSE, &tick) == 0 && tick.tv_nsec > 0;
    return known ? static_cast<std::uint32_t>(tick.tv_nsec) : 1'000'000;
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include "userspace/model/duration.h"

#include <array>
#include <charconv>
#include <cstdint>

namespace weir {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t ms;
};
// Longest first; "ms" before "m", which it begins with.
constexpr std::array<Unit, 5> kUnits{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"ms", 1}, {"m", 60'000}, {"s", 1000}}};
constexpr std::array<Unit, 5> kBySize{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr std::int64_t kMost = 10LL * 366 * 86'400'000;

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    std::int64_t sum = 0;
    std::int64_t last = kMost;
    if (text.empty())
        return std::nullopt;
    while (!text.empty()) {
        std::int64_t number = 0;
        const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc() || number < 0)
            return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
        const Unit* unit = nullptr;
        for (const auto& candidate : kUnits)
            if (unit == nullptr && text.starts_with(candidate.name))
                unit = &candidate;
        if (unit == nullptr || unit->ms >= last || number > kMost / unit->ms)
            return std::nullopt;
        text.remove_prefix(unit->name.size());
        last = unit->ms;
        sum += number * unit->ms;
    }
    return sum > kMost ? std::nullopt : std::optional(std::chrono::milliseconds(sum));
}

std::string duration_str(std::chrono::milliseconds duration) {
    std::string text;
    auto rest = duration.count();
    for (const auto& unit : kBySize) {
        if (rest >= unit.ms)
            text += std::to_string(rest / unit.ms) + std::string(unit.name);
        rest %= unit.ms;
    }
    return text.empty() ? "0s" : text;
}

}  // namespace weir

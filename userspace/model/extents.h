// SPDX-License-Identifier: Apache-2.0
// Hands out contiguous runs of rows of one table, first fit, and takes them back. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace weir {

class Extents {
  public:
    explicit Extents(std::uint32_t size = 0) {
        if (size > 0)
            free_[0] = size;
    }

    // The first row of a free run of `count`, now taken; nullopt when there is none.
    std::optional<std::uint32_t> take(std::uint32_t count) {
        if (count == 0)
            return 0;
        for (auto run = free_.begin(); run != free_.end(); ++run) {
            if (run->second < count)
                continue;
            const auto start = run->first;
            const auto rest = run->second - count;
            free_.erase(run);
            if (rest > 0)
                free_[start + count] = rest;
            return start;
        }
        return std::nullopt;
    }

    // Takes exactly these rows (found in use at adoption). False when they are not all free.
    bool take_at(std::uint32_t start, std::uint32_t count) {
        if (count == 0)
            return true;
        auto run = free_.upper_bound(start);
        if (run == free_.begin())
            return false;
        --run;
        const auto [first, length] = *run;
        if (start - first > length || length - (start - first) < count)
            return false;
        free_.erase(run);
        if (start > first)
            free_[first] = start - first;
        if (first + length > start + count)
            free_[start + count] = first + length - (start + count);
        return true;
    }

    void give_back(std::uint32_t start, std::uint32_t count) {
        if (count == 0)
            return;
        auto next = free_.lower_bound(start);
        if (next != free_.end() && start + count == next->first) {
            count += next->second;
            next = free_.erase(next);
        }
        if (next != free_.begin()) {
            auto previous = std::prev(next);
            if (previous->first + previous->second == start) {
                previous->second += count;
                return;
            }
        }
        free_[start] = count;
    }

    std::uint32_t free_rows() const {
        std::uint32_t rows = 0;
        for (const auto& [start, count] : free_)
            rows += count;
        return rows;
    }

  private:
    std::map<std::uint32_t, std::uint32_t> free_;  // start -> count, never adjacent
};

}  // namespace weir

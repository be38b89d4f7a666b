// SPDX-License-Identifier: Apache-2.0
// Things of one kind by name, in the order of their names. Immutable elements behind shared
// pointers: a copy costs no more than the pointers, and what is the same in two meshes is told by
// them. T has a `name`.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

template <typename T>
void sort_by_name(std::vector<std::shared_ptr<const T>>& all) {
    std::sort(all.begin(), all.end(),
              [](const auto& a, const auto& b) { return a->name < b->name; });
}

template <typename T>
class Named {
  public:
    using Pointer = std::shared_ptr<const T>;

    Named() = default;
    // No name twice.
    explicit Named(std::vector<Pointer> all) : all_(std::move(all)) { sort_by_name(all_); }

    auto begin() const { return all_.begin(); }
    auto end() const { return all_.end(); }
    std::size_t size() const { return all_.size(); }
    bool empty() const { return all_.empty(); }

    // nullptr: there is none of that name.
    Pointer find(std::string_view name) const {
        const auto at = place(name);
        return at != all_.end() && (*at)->name == name ? *at : nullptr;
    }
    const T& at(std::string_view name) const {
        const auto at = place(name);
        assert(at != all_.end() && (*at)->name == name);
        return **at;
    }

    // Adds one, or puts it in the place of the one with its name.
    void put(Pointer one) {
        const auto at = place(one->name);
        if (at != all_.end() && (*at)->name == one->name)
            all_[static_cast<std::size_t>(at - all_.begin())] = std::move(one);
        else
            all_.insert(at, std::move(one));
    }

    // Without `gone`, with `come`, in one pass. Both sorted by name; those of `gone` are in it.
    Named with(const std::vector<Pointer>& gone, const std::vector<Pointer>& come) const {
        Named made;
        made.all_.reserve(all_.size() + come.size() - gone.size());
        auto leaving = gone.begin(), coming = come.begin();
        for (const auto& one : all_) {
            if (leaving != gone.end() && one == *leaving) {
                ++leaving;
                continue;
            }
            for (; coming != come.end() && (*coming)->name < one->name; ++coming)
                made.all_.push_back(*coming);
            made.all_.push_back(one);
        }
        made.all_.insert(made.all_.end(), coming, come.end());
        return made;
    }

    // The very same elements, not equal ones.
    friend bool operator==(const Named&, const Named&) = default;

  private:
    auto place(std::string_view name) const {
        return std::lower_bound(
            all_.begin(), all_.end(), name,
            [](const Pointer& one, std::string_view wanted) { return one->name < wanted; });
    }

    std::vector<Pointer> all_;
};

// Calls back with (before or nullptr, after or nullptr) for each name of either that is not the
// very same element in both.
template <typename T, typename Function>
void for_each_difference(const Named<T>& before, const Named<T>& after, Function function) {
    auto a = before.begin();
    auto b = after.begin();
    while (a != before.end() || b != after.end()) {
        if (a != before.end() && b != after.end() && *a == *b) {
            ++a, ++b;
            continue;
        }
        const int order = a == before.end()  ? 1
                          : b == after.end() ? -1
                                             : (*a)->name.compare((*b)->name);
        function(order <= 0 ? a->get() : nullptr, order >= 0 ? b->get() : nullptr);
        a += order <= 0 ? 1 : 0;
        b += order >= 0 ? 1 : 0;
    }
}

}  // namespace weir

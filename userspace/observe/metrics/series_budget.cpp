// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/metrics/series_budget.h"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

constexpr const char* kOther = "other";
// Of the series that sum up all that has no place of its own, for both protocols.
constexpr std::size_t kReserved = kSeriesOfTcpEdge + kSeriesOfUdpEdge + 2 * kSeriesOfFailures +
                                  kSeriesOfTimes + 2 * WEIR_DESTINATIONS;

bool is_sum(const std::string& name) {
    return name == kOther || name == "departed";
}

EdgeView named(const EdgeView& edge, const std::string& workload, const std::string& endpoint) {
    return {workload, edge.service, edge.port, edge.protocol, endpoint, {}};
}

void add(EdgeView& to, const EdgeView& from) {
    to.counts += from.counts;
    to.latencies += from.latencies;
}

bool has_times(const Latencies& times) {
    return times.connect.count() + times.rtt.count() + times.first_byte.count() + times.left_out !=
           0;
}

}  // namespace

void OtherServices::add(const EdgeView& edge) {
    auto& sum = now_[{edge.service, edge.port, edge.protocol}];
    sum.protocol = edge.protocol;
    weir::add(sum, edge);
}

std::vector<EdgeView> OtherServices::take() {
    for (const auto& [port, was] : before_) {
        const auto is = now_.find(port);
        if (is == now_.end() || is->second.counts.opened < was.counts.opened)
            weir::add(gone_[was.protocol], was);
    }
    std::map<std::string, EdgeView> sums;
    for (const auto* part : {&now_, &before_})
        for (const auto& [port, edge] : *part)
            sums.try_emplace(edge.protocol, EdgeView{kOther, kOther, 0, edge.protocol, kOther, {}});
    for (const auto& [protocol, gone] : gone_)
        weir::add(sums.try_emplace(protocol, EdgeView{kOther, kOther, 0, protocol, kOther, {}})
                      .first->second,
                  gone);
    for (const auto& [port, edge] : now_)
        weir::add(sums.at(edge.protocol), edge);
    before_ = std::move(now_);
    now_.clear();
    std::vector<EdgeView> views;
    for (auto& [protocol, sum] : sums)
        views.push_back(std::move(sum));
    return views;
}

bool SeriesBudget::admit(const Key& key, std::size_t cost, std::size_t room) {
    const bool counts = std::get<Kind>(key) == Kind::kCounts;
    const auto [found, is_new] = places_.try_emplace(key);
    auto& place = found->second;
    place.seen = true;
    if (!is_new)
        return place.admitted;
    // Counters leave half of the room to the histograms.
    place.admitted = used_ + cost <= room && (!counts || used_by_counts_ + cost <= room / 2);
    if (place.admitted) {
        place.cost = cost;
        used_ += cost;
        used_by_counts_ += counts ? cost : 0;
    }
    return place.admitted;
}

// Adds it to the finest place that has room.
void SeriesBudget::route(Kind kind, const EdgeView& edge, std::size_t room, Sums& sums,
                         OtherServices& rest) {
    const std::string any = kind == Kind::kCounts ? kOther : "";
    const bool known_caller = !is_sum(edge.workload);
    std::vector<EdgeView> ways;
    if (kind == Kind::kCounts && known_caller && !is_sum(edge.endpoint))
        ways.push_back(named(edge, edge.workload, edge.endpoint));
    if (known_caller)
        ways.push_back(named(edge, edge.workload, any));
    ways.push_back(named(edge, kOther, any));
    const std::size_t cost = kind == Kind::kFailures  ? kSeriesOfFailures
                             : kind == Kind::kTimes   ? kSeriesOfTimes
                             : edge.protocol == "UDP" ? kSeriesOfUdpEdge
                                                      : kSeriesOfTcpEdge;
    // Counts from the widest on: what an endpoint's become a part of when it leaves has its room
    // before it. Failures and times only move when their caller leaves the mesh: the finest first.
    if (kind == Kind::kCounts)
        std::reverse(ways.begin(), ways.end());
    EdgeView* chosen = nullptr;
    Key place;
    for (auto& way : ways) {
        const Key key{kind, way.workload, way.service, way.port, way.protocol, way.endpoint};
        const bool admitted = admit(key, cost, room);
        if (admitted) {
            chosen = &way;
            place = key;
        }
        if (admitted != (kind == Kind::kCounts))
            break;
    }
    if (kind == Kind::kCounts && chosen != &ways.back())
        left_out_ += edge.counts.opened;
    if (chosen == nullptr)
        rest.add(edge);
    else
        add(sums.try_emplace(place, std::move(*chosen)).first->second, edge);
}

std::vector<EdgeView> SeriesBudget::collect(Kind kind, const std::vector<const EdgeView*>& edges,
                                            std::size_t room, OtherServices& rest) {
    Sums sums;
    for (const auto* edge : edges)
        if (kind == Kind::kCounts || (kind == Kind::kFailures && edge->counts.failed != 0) ||
            (kind == Kind::kTimes && has_times(edge->latencies)))
            route(kind, *edge, room, sums, rest);
    std::vector<EdgeView> views;
    views.reserve(sums.size());
    for (auto& [key, view] : sums)
        views.push_back(std::move(view));
    for (auto& view : rest.take())
        views.push_back(std::move(view));
    return views;
}

// Callers without room are one for each destination, for which there is room.
std::vector<UnmanagedView> SeriesBudget::collect(const std::vector<UnmanagedView>& unmanaged,
                                                 std::size_t room) {
    std::map<std::tuple<std::string, std::string, std::string>, std::uint64_t> sums;
    for (const auto& row : unmanaged) {
        const Key key{Kind::kUnmanaged, row.workload, row.destination, 0, row.protocol, ""};
        const bool own = !is_sum(row.workload) && admit(key, 1, room);
        sums[{own ? row.workload : kOther, row.destination, row.protocol}] += row.connects;
    }
    std::vector<UnmanagedView> views;
    for (const auto& [name, connects] : sums)
        views.push_back({std::get<0>(name), std::get<1>(name), std::get<2>(name), connects});
    return views;
}

void SeriesBudget::forget_what_is_gone() {
    for (auto entry = places_.begin(); entry != places_.end();) {
        auto& [key, place] = *entry;
        if (std::exchange(place.seen, false)) {
            ++entry;
            continue;
        }
        used_ -= place.cost;
        used_by_counts_ -= std::get<Kind>(key) == Kind::kCounts ? place.cost : 0;
        entry = places_.erase(entry);
    }
}

ExportedEdges SeriesBudget::divide(const std::vector<EdgeView>& edges,
                                   const std::vector<UnmanagedView>& unmanaged, std::size_t taken) {
    const std::size_t room = most_ - std::min(most_, taken + kReserved);
    // The busiest are admitted first.
    std::vector<const EdgeView*> sorted;
    std::uint64_t opened = 0;
    for (const auto& edge : edges) {
        sorted.push_back(&edge);
        opened += edge.counts.opened;
    }
    std::stable_sort(sorted.begin(), sorted.end(), [](const EdgeView* a, const EdgeView* b) {
        return a->counts.opened > b->counts.opened;
    });
    left_out_ = 0;
    ExportedEdges exported;
    exported.edges = collect(Kind::kCounts, sorted, room, counts_);
    exported.failures = collect(Kind::kFailures, sorted, room, failures_);
    exported.times = collect(Kind::kTimes, sorted, room, times_);
    exported.unmanaged = collect(unmanaged, room);
    forget_what_is_gone();
    exported.series = exported.unmanaged.size();
    for (const auto& edge : exported.edges)
        exported.series += edge.protocol == "UDP" ? kSeriesOfUdpEdge : kSeriesOfTcpEdge;
    exported.series += exported.failures.size() * kSeriesOfFailures;
    exported.series += exported.times.size() * kSeriesOfTimes;
    if (opened != 0)
        exported.other_ratio = static_cast<double>(left_out_) / static_cast<double>(opened);
    return exported;
}

}  // namespace weir

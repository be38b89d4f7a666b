// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/rates.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace weir {
namespace {

// A row that was given to another endpoint meanwhile may be less than it was.
std::uint64_t grown(std::uint64_t before, std::uint64_t now) {
    return now > before ? now - before : 0;
}

Histogram grown(const Histogram& before, const Histogram& now) {
    Histogram histogram = now;
    histogram.sum_us = grown(before.sum_us, now.sum_us);
    for (std::size_t i = 0; i < std::min(before.buckets.size(), now.buckets.size()); i++)
        histogram.buckets[i] = grown(before.buckets[i], now.buckets[i]);
    return histogram;
}

}  // namespace

EdgeCounts grown(const EdgeCounts& before, const EdgeCounts& now) {
    EdgeCounts counts = now;
    for (const auto member :
         {&EdgeCounts::opened, &EdgeCounts::closed, &EdgeCounts::failed, &EdgeCounts::untracked,
          &EdgeCounts::bytes_sent, &EdgeCounts::bytes_received, &EdgeCounts::retransmits,
          &EdgeCounts::resets_sent, &EdgeCounts::resets_received, &EdgeCounts::datagrams_sent,
          &EdgeCounts::datagrams_received})
        counts.*member = grown(before.*member, now.*member);
    for (std::size_t i = 0; i < counts.failed_by.size(); i++)
        counts.failed_by.at(i) = grown(before.failed_by.at(i), now.failed_by.at(i));
    return counts;
}

Latencies grown(const Latencies& before, const Latencies& now) {
    return {grown(before.connect, now.connect), grown(before.rtt, now.rtt),
            grown(before.first_byte, now.first_byte), grown(before.left_out, now.left_out)};
}

namespace {

// An edge, or an endpoint.
template <typename View>
std::string service_port_of(const View& view, RateOf of) {
    std::string service = view.service + ":" + std::to_string(view.port);
    if (view.protocol != "TCP")
        service += "/" + view.protocol;
    return of == RateOf::kService ? service : service + " " + view.endpoint;
}

std::string name_of(const EdgeView& edge, RateOf of) {
    return of == RateOf::kWorkload ? edge.workload : service_port_of(edge, of);
}

bool is_quiet(const RateView& view) {
    const auto& counts = view.counts;
    return counts.opened + counts.closed + counts.failed + counts.active + counts.bytes_sent +
               counts.bytes_received ==
           0;
}

using EdgeKey = std::tuple<std::string, std::string, std::uint16_t, std::string, std::string>;

EdgeKey edge_key_of(const EdgeView& edge) {
    return {edge.workload, edge.service, edge.port, edge.protocol, edge.endpoint};
}

// By key. What is not there any more has been added meanwhile to those that departed, of the same
// caller or of all: it is taken for a part of them already, or their growth would be its history.
std::map<EdgeKey, EdgeView> as_it_was(const std::vector<EdgeView>& before,
                                      const std::vector<EdgeView>& now) {
    std::set<EdgeKey> there;
    for (const auto& edge : now)
        there.insert(edge_key_of(edge));
    std::map<EdgeKey, EdgeView> was;
    for (const auto& edge : before) {
        EdgeKey key = edge_key_of(edge);
        auto& [workload, service, port, protocol, endpoint] = key;
        if (!there.contains(key))
            endpoint = "departed";
        if (!there.contains(key))
            workload = "departed";
        auto& sum = was[key];
        sum.counts += edge.counts;
        sum.latencies += edge.latencies;
    }
    return was;
}

}  // namespace

std::vector<RateView> rate_views(const std::vector<EdgeView>& before,
                                 const std::vector<EdgeView>& now, double seconds, RateOf of) {
    const auto known = as_it_was(before, now);
    const EdgeView nothing;
    std::map<std::string, RateView> sums;
    for (const auto& edge : now) {
        const auto found = known.find(edge_key_of(edge));
        const auto& was = found == known.end() ? nothing : found->second;
        auto& sum = sums[name_of(edge, of)];
        sum.counts += grown(was.counts, edge.counts);
        sum.latencies += grown(was.latencies, edge.latencies);
    }
    std::vector<RateView> views;
    for (auto& [name, view] : sums) {
        view.name = name;
        view.perSecond = static_cast<double>(view.counts.opened) / seconds;
        // A connect that fails now may have been opened before.
        const auto tried = std::max(view.counts.opened, view.counts.failed);
        if (tried != 0)
            view.success = 1 - static_cast<double>(view.counts.failed) / static_cast<double>(tried);
        if (!is_quiet(view))
            views.push_back(std::move(view));
    }
    return views;
}

std::map<std::string, std::uint64_t> ejected_by_name(const std::vector<EndpointView>& endpoints,
                                                     RateOf of) {
    std::map<std::string, std::uint64_t> ejected;
    if (of == RateOf::kWorkload)
        return ejected;
    for (const auto& endpoint : endpoints)
        if (endpoint.state == "ejected" || endpoint.state == "half-open")
            ejected[service_port_of(endpoint, of)]++;
    return ejected;
}

void add_ejected(std::vector<RateView>& views,
                 const std::map<std::string, std::uint64_t>& ejected) {
    for (const auto& [name, count] : ejected) {
        const auto found = std::find_if(views.begin(), views.end(),
                                        [&](const RateView& view) { return view.name == name; });
        if (found == views.end()) {
            views.emplace_back();
            views.back().name = name;
            views.back().ejected = count;
        } else {
            found->ejected = count;
        }
    }
}

}  // namespace weir

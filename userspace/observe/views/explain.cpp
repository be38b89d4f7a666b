// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/explain.h"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "bpf/core/published.h"
#include "userspace/model/compile.h"
#include "userspace/model/endpoint_rows.h"
#include "userspace/model/slots.h"
#include "userspace/model/subsets.h"
#include "userspace/observe/views/health.h"
#include "userspace/observe/views/mode.h"
#include "userspace/observe/views/shares.h"

namespace weir {
namespace {

// What is asked for: a port of a service, and the address of it that is called.
struct Target {
    std::shared_ptr<const Service> service;  // nullptr: the address is no service's
    const Port* port = nullptr;
    Addr addr;
    std::uint16_t number = 0;  // of the port
};

// "…/UDP" -> "…", UDP; without either: TCP where there are both
std::pair<std::string, std::optional<Protocol>> split_protocol(const std::string& text) {
    for (const auto protocol : {Protocol::kTcp, Protocol::kUdp}) {
        const std::string suffix = "/" + std::string(protocol_name(protocol));
        if (text.size() > suffix.size() &&
            strcasecmp(text.c_str() + text.size() - suffix.size(), suffix.c_str()) == 0)
            return {text.substr(0, text.size() - suffix.size()), protocol};
    }
    return {text, std::nullopt};
}

// "name", "name:80", "10.0.0.1:80", "[fd00::1]:80", "fd00::1" -> what stands before the port, and
// it
std::pair<std::string, std::optional<std::uint16_t>> split_port(const std::string& text) {
    auto colon = text.rfind(':');
    const bool bracketed = text.starts_with('[') && text.find(']') != std::string::npos;
    if (bracketed && colon < text.find(']'))
        colon = std::string::npos;
    if (!bracketed && std::count(text.begin(), text.end(), ':') > 1)
        return {text, std::nullopt};  // an IPv6 address
    std::string host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    std::uint16_t port = 0;
    if (colon == std::string::npos)
        return {host, std::nullopt};
    const char *begin = text.data() + colon + 1, *end = text.data() + text.size();
    const auto [last, error] = std::from_chars(begin, end, port);
    if (error != std::errc() || last != end || port == 0)
        return {text, std::nullopt};
    return {host, port};
}

std::shared_ptr<const Service> owner_of(const Snapshot& snapshot, const Addr& addr) {
    for (const auto& service : snapshot.services)
        for (const auto& address : service->addresses)
            if (address.addr == addr)
                return service;
    return nullptr;
}

std::string ports_of(const Service& service) {
    std::string text;
    for (const auto& port : service.ports)
        text += (text.empty() ? "" : ", ") + port_number_str(port.port, port.protocol);
    return text;
}

// An error is a sentence for who asked.
tl::expected<Target, std::string> find_target(const Snapshot& snapshot, const std::string& to) {
    const auto [place, protocol] = split_protocol(to);
    const auto [host, number] = split_port(place);
    Target target;
    const auto addr = Addr::parse(host);
    target.service = addr ? owner_of(snapshot, *addr) : snapshot.services.find(host);
    if (!addr && !target.service)
        return tl::unexpected("there is no service \"" + host + "\": see `weir services`");
    if (!target.service) {
        if (!number)
            return tl::unexpected("which port of " + host + "? Write " + endpoint_str(*addr, 80));
        return Target{nullptr, nullptr, *addr, *number};
    }
    const auto& service = *target.service;
    if (!addr && service.addresses.empty())
        return tl::unexpected(service.name + " has no address: nobody can call it");
    target.addr = addr ? *addr : service.addresses.front().addr;
    if (!number && service.ports.size() != 1)
        return tl::unexpected("which port of " + service.name + "? It has " + ports_of(service));
    target.number = number ? *number : service.ports.front().port;
    for (const auto& port : service.ports)
        if (port.port == target.number && port.protocol == protocol.value_or(port.protocol) &&
            (target.port == nullptr || port.protocol == Protocol::kTcp))
            target.port = &port;
    return target;
}

// One service port as a connect would find it now.
struct Found {
    std::uint32_t id = 0;
    weir_svc_settings settings{};
    std::set<std::uint32_t> reachable;  // rows that its slots lead to
    std::vector<SubsetView> subsets;
    std::optional<std::size_t> subset;  // of the caller, where it has one
    std::map<std::string, weir_candidate> loads;
    std::map<std::string, double> grown;  // of those in their slow start
};

std::optional<Found> look_up(const Tables& tables, const Target& target, std::uint8_t protocol) {
    const weir_vip_key key{target.addr.raw(), htons(target.number), protocol, 0};
    const auto vip = tables.vip.find(key);
    if (!vip || !*vip)
        return std::nullopt;
    Found found;
    found.id = (*vip)->svc_port;
    const auto published = published_port(tables, found.id);
    if (!published)
        return std::nullopt;
    found.settings = published->settings;
    const auto reach = target.addr.is_v4() ? WEIR_REACH_V4 : WEIR_REACH_BOTH;
    found.subsets = subset_views(tables, *published, reach);
    const weir_published at_its_start{};
    const auto set = weir_slots_in_reach(&at_its_start, &found.settings, reach);
    for (const auto index : indices_in(found.settings, set, published->words))
        found.reachable.insert(found.settings.endpoint_base + index);
    return found;
}

std::string why_out(const Endpoint& endpoint, bool has_row, const Target& target) {
    if (!has_row)
        return "not in the kernel yet";
    if (endpoint.weight == 0)
        return "weight 0: no new connections";
    if (!takes_connections(endpoint, target.service->subsets))
        return subsets_of(endpoint, target.service->subsets) == 0
                   ? "in none of the service's subsets: no new connections"
                   : "its subset has weight 0: no new connections";
    if (target.addr.is_v4() && !endpoint.addr.is_v4())
        return "an IPv4 socket cannot reach it";
    return "not among the endpoints that are published";
}

// The endpoints in the service port's range: whether new connections may get them. An address may
// have a row that is leaving beside the one that is published.
std::map<std::string, bool> rows_of(const Tables& tables, const Found& found) {
    std::map<std::string, bool> rows;
    const auto base = found.settings.endpoint_base;
    // Not beyond the table, should somebody have changed the settings: the agent writes them again.
    const auto end = std::min<std::uint64_t>(std::uint64_t{base} + found.settings.endpoint_capacity,
                                             tables.endpoint.size());
    for (std::uint64_t at = base; at < end; at++) {
        const auto id = static_cast<std::uint32_t>(at);
        const auto& row = tables.endpoint[id];
        if (row.svc_port == found.id && row.generation != 0)
            rows[endpoint_str(row)] |= found.reachable.contains(id);
    }
    return rows;
}

// Outlier detection's say over those that are in otherwise. Where nobody would be left, all are
// used.
void leave_out(const std::map<std::string, Ejection>& ejected, std::vector<CandidateView>& all) {
    const bool nobody_left = std::all_of(all.begin(), all.end(), [&](const CandidateView& view) {
        const auto found = ejected.find(view.endpoint);
        return !view.in || (found != ejected.end() && !found->second.used);
    });
    for (auto& view : all) {
        const auto found = ejected.find(view.endpoint);
        if (!view.in || found == ejected.end())
            continue;
        const bool left_over = nobody_left && is_used_when_all_are_out(found->second, ejected);
        view.in = left_over || found->second.used;
        view.why = found->second.state + ": " + found->second.reason;
        if (found->second.used)
            view.why += kUsedAllTheSame;
        else if (left_over)
            view.why += "; used, since all are out";
    }
}

// Of those that are left, who has as many connections as it may.
void leave_out_full(const std::map<std::string, std::uint64_t>& full,
                    std::vector<CandidateView>& all) {
    for (auto& view : all) {
        const auto found = full.find(view.endpoint);
        if (!view.in || found == full.end())
            continue;
        view.in = false;
        view.why = "full: " + std::to_string(found->second) +
                   " connections are open, as many as `maxConnectionsPerEndpoint` allows";
    }
}

// It is in, and others come before it; "" where none do.
std::string why_later(const CandidateView& view, const Found& found) {
    if (found.subset && !found.subsets[*found.subset].whole.contains(view.endpoint))
        return "in, and of another subset than the caller's: has its connects when nobody of that "
               "one can";
    const bool is_far =
        std::any_of(found.subsets.begin(), found.subsets.end(), [&](const SubsetView& subset) {
            return subset.whole.contains(view.endpoint) && !subset.near.empty() &&
                   !subset.near.contains(view.endpoint);
        });
    return is_far
               ? "in, and of another zone than this node's: has connects when too few near by can"
               : "";
}

std::vector<CandidateView> candidates_of(const Tables& tables, const Target& target,
                                         const Found& found,
                                         const std::map<std::string, Ejection>& ejected,
                                         const std::map<std::string, std::uint64_t>& full) {
    const auto rows = rows_of(tables, found);
    std::vector<CandidateView> candidates;
    for (const auto& endpoint : target.service->endpoints) {
        CandidateView view;
        view.endpoint = endpoint_str(endpoint.addr, target.port->target_port);
        const auto row = rows.find(view.endpoint);
        view.in = row != rows.end() && row->second;
        if (!view.in)
            view.why = why_out(endpoint, row != rows.end(), target);
        view.share = endpoint.weight;
        candidates.push_back(std::move(view));
    }
    leave_out(ejected, candidates);
    leave_out_full(full, candidates);
    std::vector<ShareCandidate> weights;
    for (const auto& view : candidates) {
        weights.push_back({view.endpoint, static_cast<std::uint32_t>(view.share), view.in});
        if (const auto load = found.loads.find(view.endpoint); load != found.loads.end())
            weights.back().load = load->second;
        if (const auto part = found.grown.find(view.endpoint); part != found.grown.end())
            weights.back().grown = part->second;
    }
    const auto shares = shares_of(weights, found.subsets, found.subset);
    for (std::size_t i = 0; i < candidates.size(); i++) {
        candidates[i].share = shares[i];
        if (candidates[i].in && shares[i] == 0 && candidates[i].why.empty())
            candidates[i].why = why_later(candidates[i], found);
        if (candidates[i].in && weights[i].grown < 1 && candidates[i].why.empty())
            candidates[i].why = slow_start_str(weights[i].grown);
    }
    return candidates;
}

// "; subsets v1 90, v2 10 by turns", or which of them the caller has.
std::string subset_note(const Service& service, const Found& found) {
    std::string names;
    for (const auto& subset : service.subsets) {
        if (found.subset && found.subsets[*found.subset].seed == name_hash(subset.name))
            return "; the caller is in subset " + subset.name;
        names += (names.empty() ? "" : ", ") + subset.name + " " + std::to_string(subset.weight);
    }
    return names.empty() ? "" : "; subsets by turns: " + names;
}

// `full`: how many connections the service has, where that is as many as it may.
void give_verdict(ExplainView& view, Mode mode, std::optional<std::uint64_t> full,
                  const std::string& subset_note) {
    const auto in = std::count_if(view.candidates.begin(), view.candidates.end(),
                                  [](const CandidateView& one) { return one.in; });
    const std::string of = std::to_string(in) + " of " + std::to_string(view.candidates.size()) +
                           (view.candidates.size() == 1 ? " endpoint" : " endpoints");
    if (mode == Mode::kOff) {
        view.verdict = "off";
        view.why = "weir is off for this call: it goes to " + view.address + " itself";
    } else if (full && mode == Mode::kSteer) {
        view.verdict = "refused";
        view.why =
            "full: " + std::to_string(*full) +
            " connections are open, as many as `maxConnections` allows: ECONNREFUSED at once";
    } else if (in == 0 && mode == Mode::kObserve) {
        view.verdict = "observed";
        view.why = "counted as refused, since no endpoint could take it (" + of +
                   "), and left alone: it goes to " + view.address + " itself";
    } else if (in == 0) {
        view.verdict = "refused";
        view.why = "no endpoint can take it (" + of + "): ECONNREFUSED at once";
    } else {
        view.verdict = mode == Mode::kObserve ? "observed" : "steered";
        view.why = mode == Mode::kObserve
                       ? "counted as if it went to one of " + of + ", and left alone"
                       : view.algorithm + " over " + of;
        view.why += subset_note;
        if (view.affinitySeconds != 0)
            view.why += "; a client keeps its endpoint for " +
                        std::to_string(view.affinitySeconds) + " s without a connect";
    }
}

Status add_measures(const Tables& tables, const Names& names, const Target& target,
                    ExplainView& view) {
    WEIR_TRY(const auto edges, edge_views(tables, names));
    for (const auto& edge : edges) {
        if (edge.workload != view.from || edge.service != view.service ||
            edge.port != target.number || edge.protocol != view.protocol)
            continue;
        for (auto& candidate : view.candidates)
            if (candidate.endpoint == edge.endpoint) {
                candidate.counts += edge.counts;
                candidate.latencies += edge.latencies;
            }
    }
    return {};
}

ExplainView invalid(ExplainView view, std::string why) {
    view.verdict = "invalid";
    view.why = std::move(why);
    return view;
}

}  // namespace

Result<ExplainView> explain_view(const Tables& tables, const Snapshot& snapshot,
                                 const std::string& from, const std::string& to) {
    ExplainView view;
    view.from = from;
    view.to = to;
    const auto workload = snapshot.workloads.find(from);
    if (!workload && from != "unknown")
        return invalid(view, "there is no workload \"" + from +
                                 "\" in the mesh; \"unknown\" stands for all others");
    const auto target = find_target(snapshot, to);
    if (!target)
        return invalid(view, target.error());
    view.address = endpoint_str(target->addr, target->number);
    view.protocol =
        target->port == nullptr ? "TCP" : std::string(protocol_name(target->port->protocol));
    if (target->service)
        view.service = target->service->name;
    auto found = target->port == nullptr
                     ? std::nullopt
                     : look_up(tables, *target, protocol_number(target->port->protocol));
    if (!found) {
        view.verdict = "direct";
        view.why = target->port != nullptr ? "the service port is not in the kernel yet"
                   : target->service
                       ? view.service + " has no port " + std::to_string(target->number) +
                             ", only " + ports_of(*target->service)
                       : "no service has the address " + target->addr.str();
        view.why += ": it goes to " + view.address + " itself, uncounted";
        return view;
    }
    view.algorithm = algorithm_name(target->service->algorithm);
    view.affinitySeconds = target->service->affinity_s;
    if ((found->settings.flags & WEIR_SVC_SUBSET_BY_WORKLOAD) != 0)
        found->subset = subset_of_caller(found->subsets, from);
    WEIR_TRY(found->loads, loads_of(tables, found->id));
    WEIR_TRY(found->grown, slow_starts_of(tables, found->id));
    WEIR_TRY(const auto ejected, ejections_of(tables, found->id));
    WEIR_TRY(const auto full, full_endpoints(tables, found->id));
    view.candidates = candidates_of(tables, *target, *found, ejected, full);
    WEIR_TRY(const auto answers, answer_times_of(tables, found->id));
    for (auto& candidate : view.candidates)
        if (const auto time = answers.find(candidate.endpoint); time != answers.end())
            candidate.answerSeconds = time->second;
    WEIR_TRY(const auto full_at, full_service(tables, found->id));
    give_verdict(view,
                 mode_in_force(tables, found->id, target->service->mode,
                               workload ? workload->mode : Mode::kSteer),
                 full_at, subset_note(*target->service, *found));
    WEIR_TRY(const auto names, Names::read(tables, snapshot));
    WEIR_CHECK(add_measures(tables, names, *target, view));
    remark_on_slow(view.candidates);
    return view;
}

}  // namespace weir

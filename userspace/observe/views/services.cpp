// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/services.h"

#include <algorithm>
#include <tuple>

#include "bpf/core/addr.h"
#include "bpf/core/published.h"
#include "userspace/model/subsets.h"
#include "userspace/observe/views/health.h"
#include "userspace/observe/views/mode.h"
#include "userspace/observe/views/shares.h"

namespace weir {
namespace {

using Key = std::tuple<std::string, std::uint16_t, std::string>;

Key key_of(const std::string& service, const Port& port) {
    return {service, port.port, std::string(protocol_name(port.protocol))};
}

using Ejections = std::map<std::string, Ejection>;

void eject(EndpointView& view, const Ejection& ejection) {
    view.state = ejection.state;
    view.reason = ejection.reason + (ejection.used ? kUsedAllTheSame : "");
    view.sinceSeconds = ejection.sinceSeconds;
    view.untilSeconds = ejection.untilSeconds;
    view.used = ejection.used;
}

bool is_published(const Tables& tables, const Names& names, const Service& service,
                  const Port& port) {
    const auto id = names.id_of(service.name, port);
    return id && MmapArray<weir_svc_port>::load_word(tables.svc_port[*id].published) != 0;
}

const char* state_of(const Endpoint& endpoint, const Service& service, bool published) {
    if (!published)
        return "pending";
    if (takes_connections(endpoint, service.subsets))
        return "serving";
    return service.subsets.empty() || subsets_of(endpoint, service.subsets) != 0 ? "drained"
                                                                                 : "no-subset";
}

void give_shares(const std::vector<SubsetView>& subsets, const std::map<std::string, double>& grown,
                 const std::map<std::string, weir_candidate>& loads,
                 const std::map<std::string, std::uint64_t>& full,
                 std::vector<EndpointView>& views) {
    std::vector<ShareCandidate> candidates;
    for (auto& view : views) {
        const bool in = (view.state == "serving" || view.used) && !full.contains(view.endpoint);
        candidates.push_back({view.endpoint, view.weight, in});
        if (const auto load = loads.find(view.endpoint); load != loads.end())
            candidates.back().load = load->second;
        if (const auto part = grown.find(view.endpoint); in && part != grown.end()) {
            candidates.back().grown = part->second;
            if (view.state == "serving")
                view.reason = slow_start_str(part->second);
        }
    }
    const auto shares = shares_of(candidates, subsets);
    for (std::size_t i = 0; i < views.size(); i++)
        views[i].share = shares[i];
}

// The endpoints of one service port that the mesh names.
std::vector<EndpointView> wanted(const Service& service, const Port& port, bool published,
                                 const Ejections& out, const std::map<std::string, double>& answers,
                                 std::map<std::string, EdgeCounts>& counts) {
    std::vector<EndpointView> views;
    for (const auto& endpoint : service.endpoints) {
        EndpointView view;
        view.service = service.name;
        view.port = port.port;
        view.protocol = protocol_name(port.protocol);
        view.endpoint = endpoint_str(endpoint.addr, port.target_port);
        view.weight = endpoint.weight;
        view.zone = endpoint.zone;
        view.labels = endpoint.labels;
        view.state = state_of(endpoint, service, published);
        if (const auto found = out.find(view.endpoint); found != out.end() && published)
            eject(view, found->second);
        if (const auto found = answers.find(view.endpoint); found != answers.end())
            view.answerSeconds = found->second;
        if (const auto found = counts.find(view.endpoint); found != counts.end()) {
            view.counts = found->second;
            counts.erase(found);
        }
        views.push_back(std::move(view));
    }
    return views;
}

// What was counted on endpoints that the mesh does not name: shown too, so that the sums are right.
const char* state_of_other(const std::string& endpoint, const EdgeCounts& counts) {
    if (endpoint == "none")
        return "refused";
    if (endpoint == "other" || endpoint == "departed")
        return "summed";
    return counts.active > 0 ? "leaving" : "gone";
}

}  // namespace

Result<std::vector<ServiceView>> service_views(const Tables& tables, const Snapshot& snapshot) {
    WEIR_TRY(const auto names, Names::read(tables, snapshot));
    WEIR_TRY(const auto edges, edge_views(tables, names));
    std::map<Key, EdgeCounts> sums;
    for (const auto& edge : edges)
        sums[{edge.service, edge.port, edge.protocol}] += edge.counts;
    std::vector<ServiceView> views;
    for (const auto& service : snapshot.services) {
        for (const auto& port : service->ports) {
            ServiceView view;
            view.name = service->name;
            view.port = port.port;
            view.protocol = protocol_name(port.protocol);
            view.portName = port.name;
            for (const auto& address : service->addresses)
                view.addresses.push_back(address.addr.str());
            view.algorithm = algorithm_name(service->algorithm);
            view.endpoints = static_cast<std::uint32_t>(
                std::count_if(service->endpoints.begin(), service->endpoints.end(),
                              [&](const Endpoint& endpoint) {
                                  return takes_connections(endpoint, service->subsets);
                              }));
            view.affinitySeconds = service->affinity_s;
            // Workloads may have a mode of their own, which is not seen here.
            const auto mode =
                mode_in_force(tables, names.id_of(service->name, port), service->mode);
            view.mode = mode_name(mode);
            view.state = !is_published(tables, names, *service, port) ? "pending"
                         : mode != Mode::kSteer ? (mode == Mode::kOff ? "off" : "observed")
                         : view.endpoints == 0  ? "no-endpoints"
                                                : "serving";
            view.counts = sums[key_of(service->name, port)];
            views.push_back(std::move(view));
        }
    }
    return views;
}

Result<std::vector<EndpointView>> endpoint_views(const Tables& tables, const Snapshot& snapshot) {
    WEIR_TRY(const auto names, Names::read(tables, snapshot));
    WEIR_TRY(const auto edges, edge_views(tables, names));
    std::map<Key, std::map<std::string, EdgeCounts>> sums;
    for (const auto& edge : edges)
        sums[{edge.service, edge.port, edge.protocol}][edge.endpoint] += edge.counts;
    std::vector<EndpointView> views;
    for (const auto& service : snapshot.services) {
        for (const auto& port : service->ports) {
            auto& counts = sums[key_of(service->name, port)];
            Ejections out;
            std::map<std::string, double> answers;
            std::vector<SubsetView> subsets;
            std::map<std::string, weir_candidate> loads;
            std::map<std::string, std::uint64_t> full;
            std::map<std::string, double> grown;
            if (const auto id = names.id_of(service->name, port)) {
                if (const auto found = published_port(tables, *id))
                    subsets = subset_views(tables, *found, WEIR_REACH_BOTH);
                WEIR_TRY(out, ejections_of(tables, *id));
                WEIR_TRY(answers, answer_times_of(tables, *id));
                WEIR_TRY(loads, loads_of(tables, *id));
                WEIR_TRY(full, full_endpoints(tables, *id));
                WEIR_TRY(grown, slow_starts_of(tables, *id));
            }
            auto of_mesh = wanted(*service, port, is_published(tables, names, *service, port), out,
                                  answers, counts);
            give_shares(subsets, grown, loads, full, of_mesh);
            std::move(of_mesh.begin(), of_mesh.end(), std::back_inserter(views));
            for (const auto& [endpoint, count] : counts) {
                EndpointView view;
                view.service = service->name;
                view.port = port.port;
                view.protocol = protocol_name(port.protocol);
                view.endpoint = endpoint;
                view.state = state_of_other(endpoint, count);
                view.counts = count;
                views.push_back(std::move(view));
            }
        }
    }
    return views;
}

}  // namespace weir

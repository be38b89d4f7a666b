// SPDX-License-Identifier: Apache-2.0
#include "userspace/model/describe.h"

#include "userspace/model/duration.h"
#include "userspace/model/share.h"

namespace weir {
namespace {

// A thing of the mesh by its key, as the fields that a user wrote or left out, in order.
using Fields = std::vector<std::pair<const char*, std::string>>;
template <typename Key>
using Things = std::map<Key, Fields>;

// Calls back with (key, before or nullptr, after or nullptr) for every key of either map.
template <typename Map, typename Function>
void for_each_pair(const Map& before, const Map& after, Function function) {
    auto a = before.begin();
    auto b = after.begin();
    while (a != before.end() || b != after.end()) {
        if (b == after.end() || (a != before.end() && a->first < b->first)) {
            function(a->first, &a->second, nullptr);
            ++a;
        } else if (a == before.end() || b->first < a->first) {
            function(b->first, nullptr, &b->second);
            ++b;
        } else {
            function(a->first, &a->second, &b->second);
            ++a;
            ++b;
        }
    }
}

const char* op_of(const void* before, const void* after) {
    return before == nullptr ? "add" : after == nullptr ? "remove" : "change";
}

std::string shown(const std::string& value) {
    return value.empty() ? "none" : value;
}

// "weight 1, zone a", or "weight 1 -> 2".
std::string detail_of(const Fields* before, const Fields* after) {
    std::string text;
    const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
    if (before != nullptr && after != nullptr) {
        for (std::size_t i = 0; i < before->size(); i++)
            if ((*before)[i].second != (*after)[i].second)
                add(std::string((*before)[i].first) + " " + shown((*before)[i].second) + " -> " +
                    shown((*after)[i].second));
        return text;
    }
    for (const auto& [name, value] : before != nullptr ? *before : *after)
        if (!value.empty())
            add(std::string(name) + " " + value);
    return text;
}

template <typename Key, typename NameOf>
void describe(const char* kind, const Things<Key>& before, const Things<Key>& after, NameOf name_of,
              std::vector<MeshChange>& changes) {
    for_each_pair(before, after, [&](const Key& key, const Fields* a, const Fields* b) {
        if (a == nullptr || b == nullptr || *a != *b)
            changes.push_back({op_of(a, b), kind, name_of(key), detail_of(a, b)});
    });
}

std::string counted(std::size_t count, const std::string& noun, const std::string& plural) {
    return std::to_string(count) + " " + (count == 1 ? noun : plural);
}

std::string summary(const Service& service) {
    return counted(service.addresses.size(), "address", "addresses") + ", " +
           counted(service.ports.size(), "port", "ports") + ", " +
           counted(service.endpoints.size(), "endpoint", "endpoints");
}

std::string mode_str(Mode mode) {
    return mode == Mode::kSteer ? "" : std::string(mode_name(mode));
}

using PortNumber = std::pair<std::uint16_t, Protocol>;

Things<PortNumber> ports_of(const Service& service) {
    Things<PortNumber> ports;
    for (const auto& port : service.ports)
        ports[{port.port, port.protocol}] = {{"targetPort", std::to_string(port.target_port)},
                                             {"name", port.name},
                                             {"appProtocol", port.app_protocol}};
    return ports;
}

Things<Addr> addresses_of(const std::vector<ServiceAddress>& addresses) {
    Things<Addr> things;
    for (const auto& address : addresses)
        things[address.addr];
    return things;
}

Things<Addr> endpoints_of(const Service& service) {
    Things<Addr> endpoints;
    for (const auto& endpoint : service.endpoints)
        endpoints[endpoint.addr] = {{"weight", std::to_string(endpoint.weight)},
                                    {"zone", endpoint.zone},
                                    {"labels", labels_str(endpoint.labels)}};
    return endpoints;
}

Things<std::string> subsets_of(const Service& service) {
    Things<std::string> subsets;
    for (const auto& subset : service.subsets)
        subsets[subset.name] = {{"weight", std::to_string(subset.weight)},
                                {"labels", labels_str(subset.labels)}};
    return subsets;
}

// The settings of a service, each a change of its own.
Fields settings_of(const Service& service) {
    return {{"algorithm", std::string(algorithm_name(service.algorithm))},
            {"slowStart", service.slow_start_ms == 0
                              ? ""
                              : duration_str(std::chrono::milliseconds(service.slow_start_ms))},
            {"subsetBy", std::string(subset_by_str(service))},
            {"trafficDistribution", std::string(traffic_distribution_str(service))},
            {"affinity",
             service.affinity_s == 0 ? "" : duration_str(std::chrono::seconds(service.affinity_s))},
            {"outlierDetection", outlier_detection_str(service)},
            {"limits", limits_str(service.limits)},
            {"timeouts", timeouts_str(service.timeouts)},
            {"events", service.events_every ? share_str(*service.events_every) : ""},
            {"datagrams", service.counts_datagrams ? "counted" : ""},
            {"mode", std::string(mode_name(service.mode))}};
}

void describe_service(const Service& before, const Service& after,
                      std::vector<MeshChange>& changes) {
    const auto of = [&](const std::string& part) { return after.name + " " + part; };
    const auto addr = [&](const Addr& address) { return of(address.str()); };
    describe("address", addresses_of(before.addresses), addresses_of(after.addresses), addr,
             changes);
    describe(
        "port", ports_of(before), ports_of(after),
        [&](const PortNumber& number) { return of(port_number_str(number.first, number.second)); },
        changes);
    const auto old_settings = settings_of(before), new_settings = settings_of(after);
    for (std::size_t i = 0; i < old_settings.size(); i++)
        if (old_settings[i].second != new_settings[i].second)
            changes.push_back(
                {"change", old_settings[i].first, after.name,
                 shown(old_settings[i].second) + " -> " + shown(new_settings[i].second)});
    describe("subset", subsets_of(before), subsets_of(after), of, changes);
    describe("endpoint", endpoints_of(before), endpoints_of(after), addr, changes);
}

Things<std::string> workloads_of(const Snapshot& snapshot) {
    Things<std::string> workloads;
    for (const auto& workload : snapshot.workloads) {
        std::string addresses;
        for (const auto& address : workload->addresses)
            addresses += (addresses.empty() ? "" : " ") + address.addr.str();
        workloads[workload->name] = {{"cgroup", workload->cgroup.substr(1)},
                                     {"mode", mode_str(workload->mode)},
                                     {"addresses", addresses},
                                     {"labels", labels_str(workload->labels)},
                                     {"serviceAccount", workload->service_account}};
    }
    return workloads;
}

}  // namespace

std::vector<MeshChange> describe_changes(const Snapshot& before, const Snapshot& after) {
    std::vector<MeshChange> changes;
    for_each_difference(before.services, after.services, [&](const Service* a, const Service* b) {
        if (a != nullptr && b != nullptr)
            return describe_service(*a, *b, changes);
        const Service& one = b != nullptr ? *b : *a;
        changes.push_back({op_of(a, b), "service", one.name, summary(one)});
    });
    describe(
        "workload", workloads_of(before), workloads_of(after),
        [](const std::string& name) { return name; }, changes);
    return changes;
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include "userspace/model/describe.h"

#include "userspace/model/duration.h"

namespace weir {
namespace {

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

std::string arrow(const std::string& before, const std::string& after) {
    return before + " -> " + after;
}

std::string counted(std::size_t count, const std::string& noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string summary(const Service& service) {
    return counted(service.addresses.size(), "address") == "1 address"
               ? "1 address, " + counted(service.ports.size(), "port") + ", " +
                     counted(service.endpoints.size(), "endpoint")
               : std::to_string(service.addresses.size()) + " addresses, " +
                     counted(service.ports.size(), "port") + ", " +
                     counted(service.endpoints.size(), "endpoint");
}

void describe_endpoints(const Service& before, const Service& after,
                        std::vector<MeshChange>& changes) {
    std::map<Addr, std::uint32_t> old_weights, new_weights;
    for (const auto& endpoint : before.endpoints)
        old_weights[endpoint.addr] = endpoint.weight;
    for (const auto& endpoint : after.endpoints)
        new_weights[endpoint.addr] = endpoint.weight;
    for_each_pair(
        old_weights, new_weights,
        [&](const Addr& addr, const std::uint32_t* a, const std::uint32_t* b) {
            if (a != nullptr && b != nullptr && *a == *b)
                return;
            changes.push_back({op_of(a, b), "endpoint", after.name + " " + addr.str(),
                               a != nullptr && b != nullptr
                                   ? "weight " + arrow(std::to_string(*a), std::to_string(*b))
                                   : "weight " + std::to_string(b != nullptr ? *b : *a)});
        });
}

std::string affinity_str(std::uint32_t seconds) {
    return seconds == 0 ? "none" : duration_str(std::chrono::seconds(seconds));
}

void describe_ports(const Service& before, const Service& after, std::vector<MeshChange>& changes) {
    using Number = std::pair<std::uint16_t, Protocol>;
    std::map<Number, std::uint16_t> old_ports, new_ports;
    for (const auto& port : before.ports)
        old_ports[{port.port, port.protocol}] = port.target_port;
    for (const auto& port : after.ports)
        new_ports[{port.port, port.protocol}] = port.target_port;
    for_each_pair(
        old_ports, new_ports,
        [&](const Number& number, const std::uint16_t* a, const std::uint16_t* b) {
            if (a != nullptr && b != nullptr && *a == *b)
                return;
            changes.push_back({op_of(a, b), "port",
                               after.name + " " + std::to_string(number.first) + "/" +
                                   std::string(protocol_name(number.second)),
                               a != nullptr && b != nullptr
                                   ? "targetPort " + arrow(std::to_string(*a), std::to_string(*b))
                                   : ""});
        });
}

void describe_service(const Service& before, const Service& after,
                      std::vector<MeshChange>& changes) {
    std::map<Addr, bool> old_addresses, new_addresses;
    for (const auto& address : before.addresses)
        old_addresses[address.addr] = true;
    for (const auto& address : after.addresses)
        new_addresses[address.addr] = true;
    for_each_pair(
        old_addresses, new_addresses, [&](const Addr& addr, const bool* a, const bool* b) {
            if (a == nullptr || b == nullptr)
                changes.push_back({op_of(a, b), "address", after.name + " " + addr.str(), ""});
        });
    describe_ports(before, after, changes);
    if (before.algorithm != after.algorithm)
        changes.push_back({"change", "algorithm", after.name,
                           arrow(std::string(algorithm_name(before.algorithm)),
                                 std::string(algorithm_name(after.algorithm)))});
    if (before.affinity_s != after.affinity_s)
        changes.push_back({"change", "affinity", after.name,
                           arrow(affinity_str(before.affinity_s), affinity_str(after.affinity_s))});
    if (before.mode != after.mode)
        changes.push_back(
            {"change", "mode", after.name,
             arrow(std::string(mode_name(before.mode)), std::string(mode_name(after.mode)))});
    describe_endpoints(before, after, changes);
}

std::string workload_change(const Workload& before, const Workload& after) {
    std::string text;
    if (before.cgroup != after.cgroup)
        text = "cgroup " + arrow(before.cgroup.substr(1), after.cgroup.substr(1));
    if (before.mode != after.mode)
        text += (text.empty() ? "mode " : ", mode ") +
                arrow(std::string(mode_name(before.mode)), std::string(mode_name(after.mode)));
    return text;
}

}  // namespace

std::vector<MeshChange> describe_changes(const Snapshot& before, const Snapshot& after) {
    std::vector<MeshChange> changes;
    using ServicePtr = std::shared_ptr<const Service>;
    for_each_pair(before.services, after.services,
                  [&](const std::string& name, const ServicePtr* a, const ServicePtr* b) {
                      if (a != nullptr && b != nullptr)
                          describe_service(**a, **b, changes);
                      else
                          changes.push_back(
                              {op_of(a, b), "service", name, summary(b != nullptr ? **b : **a)});
                  });
    for_each_pair(
        before.workloads, after.workloads,
        [&](const std::string& name, const Workload* a, const Workload* b) {
            if (a != nullptr && b != nullptr && *a == *b)
                return;
            changes.push_back({op_of(a, b), "workload", name,
                               a != nullptr && b != nullptr
                                   ? workload_change(*a, *b)
                                   : "cgroup " + (b != nullptr ? *b : *a).cgroup.substr(1)});
        });
    return changes;
}

}  // namespace weir

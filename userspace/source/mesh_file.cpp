// SPDX-License-Identifier: Apache-2.0
#include "userspace/source/mesh_file.h"

#include "userspace/model/checks.h"
#include "userspace/source/fields.h"
#include "userspace/source/mesh_settings.h"

namespace weir {
namespace {

constexpr std::uint32_t kWeightMax = 1'000'000;

void read_port(const YamlNode& node, Service& service, Diagnostics& found) {
    const Phrase what = "a port of " + quoted("service", service.name);
    const MappingReader reader(node, what,
                               {"name", "port", "targetPort", "protocol", "appProtocol"}, found);
    if (!reader.ok())
        return;
    Port port;
    port.origin = node.origin;
    if (const auto* name = reader.find("name"))
        port.name = read_name(*name, "`name` of " + what, found).value_or("");
    if (const auto* app = reader.find("appProtocol"))
        port.app_protocol = read_string(*app, "`appProtocol` of " + what, found).value_or("");
    if (const auto* protocol = reader.find("protocol")) {
        const auto chosen = read_choice(*protocol, "`protocol` of " + what, {"TCP", "UDP"}, found);
        port.protocol = chosen == 1U ? Protocol::kUdp : Protocol::kTcp;
    }
    std::optional<std::uint64_t> value;
    if (const auto* number = reader.require("port"))
        value = read_number(*number, "`port` of " + what, 1, 65535, found);
    const auto* target = reader.find("targetPort");
    const auto target_value =
        target == nullptr ? value
                          : read_number(*target, "`targetPort` of " + what, 1, 65535, found);
    if (!value || !target_value)
        return;
    port.port = static_cast<std::uint16_t>(*value);
    port.target_port = static_cast<std::uint16_t>(*target_value);
    service.ports.push_back(std::move(port));
}

void read_endpoint(const YamlNode& node, Service& service, Diagnostics& found) {
    const Phrase what = "an endpoint of " + quoted("service", service.name);
    const MappingReader reader(node, what, {"address", "weight", "zone", "labels"}, found);
    if (!reader.ok())
        return;
    Endpoint endpoint;
    endpoint.origin = node.origin;
    if (const auto* weight = reader.find("weight")) {
        const auto value = read_number(*weight, "`weight` of " + what, 0, kWeightMax, found);
        endpoint.weight = static_cast<std::uint32_t>(value.value_or(1));
    }
    if (const auto* zone = reader.find("zone"))
        endpoint.zone = read_name(*zone, "`zone` of " + what, found).value_or("");
    if (const auto* labels = reader.find("labels"))
        endpoint.labels = read_labels(*labels, "`labels` of " + what, found);
    const auto* address = reader.require("address");
    if (address == nullptr)
        return;
    if (const auto addr = read_addr(*address, "`address` of " + what, found)) {
        endpoint.addr = *addr;
        service.endpoints.push_back(std::move(endpoint));
    }
}

void read_service(const YamlNode& key, const YamlNode& node, MeshFragment& fragment) {
    auto& found = fragment.found;
    auto service = std::make_shared<Service>();
    service->name = key.scalar;
    service->origin = key.origin;
    const Phrase what = quoted("service", service->name);
    std::vector<std::string_view> fields{"addresses", "ports", "endpoints"};
    fields.insert(fields.end(), kServiceSettings.begin(), kServiceSettings.end());
    const MappingReader reader(node, what, fields, found);
    const bool named = check_name(key, "service", found);
    if (!reader.ok())
        return;
    const auto* addresses = reader.require("addresses");
    const auto listed = read_list(addresses, "`addresses` of " + what, found);
    for (const auto& item : listed)
        if (const auto addr = read_addr(item, "address of " + what, found))
            service->addresses.push_back({*addr, item.origin});
    if (addresses != nullptr && addresses->kind == YamlNode::Kind::kSequence &&
        addresses->items.empty())
        found.error(addresses->origin, what + " needs at least one address");
    const auto* ports = reader.require("ports");
    const auto all_ports = read_list(ports, "`ports` of " + what, found);
    for (const auto& item : all_ports)
        read_port(item, *service, found);
    if (ports != nullptr && ports->kind == YamlNode::Kind::kSequence && ports->items.empty())
        found.error(ports->origin, what + " needs at least one port");
    const auto endpoints = read_list(reader.find("endpoints"), "`endpoints` of " + what, found);
    service->endpoints.reserve(endpoints.size());
    for (const auto& item : endpoints)
        read_endpoint(item, *service, found);
    read_settings(reader, *service, found);
    check_service(*service, found);
    if (named)
        fragment.services.push_back(std::move(service));
}

void read_workload(const YamlNode& key, const YamlNode& node, MeshFragment& fragment) {
    auto& found = fragment.found;
    const Phrase what = quoted("workload", key.scalar);
    const MappingReader reader(node, what,
                               {"cgroup", "mode", "addresses", "labels", "serviceAccount"}, found);
    const bool named = check_name(key, "workload", found);
    if (!reader.ok())
        return;
    const auto* cgroup = reader.require("cgroup");
    if (cgroup == nullptr)
        return;
    const auto pattern = read_cgroup_pattern(*cgroup, "`cgroup` of " + what, found);
    if (!pattern || !named)
        return;
    auto workload = std::make_shared<Workload>();
    workload->name = key.scalar;
    workload->cgroup = *pattern;
    workload->origin = key.origin;
    const auto addresses = read_list(reader.find("addresses"), "`addresses` of " + what, found);
    for (const auto& item : addresses)
        if (const auto addr = read_addr(item, "address of " + what, found))
            workload->addresses.push_back({*addr, item.origin});
    if (const auto* labels = reader.find("labels"))
        workload->labels = read_labels(*labels, "`labels` of " + what, found);
    if (const auto* account = reader.find("serviceAccount"))
        workload->service_account =
            read_name(*account, "`serviceAccount` of " + what, found).value_or("");
    if (const auto* mode = reader.find("mode"))
        workload->mode = read_mode(*mode, "`mode` of " + what, found);
    fragment.workloads.push_back(std::move(workload));
}

using ReadEntry = void (*)(const YamlNode&, const YamlNode&, MeshFragment&);

void read_section(const YamlNode* section, const std::string& name, ReadEntry read,
                  MeshFragment& fragment) {
    if (section == nullptr)
        return;
    if (section->kind != YamlNode::Kind::kMapping) {
        fragment.found.error(section->origin, "`" + name + "` is no mapping from names: write `" +
                                                  name + ":`, and below it one entry per name");
        return;
    }
    for (const auto& [key, value] : section->entries)
        read(key, value, fragment);
}

}  // namespace

MeshFragment read_mesh_file(MeshFile file, const std::string& directory) {
    MeshFragment fragment;
    const auto root =
        parse_yaml(file.text.str(), directory.empty() ? file.name : directory + "/" + file.name,
                   fragment.found);
    fragment.file = std::move(file);
    if (!root)
        return fragment;
    const MappingReader reader(*root, "the mesh file", {"services", "workloads"}, fragment.found);
    if (!reader.ok())
        return fragment;
    read_section(reader.find("services"), "services", read_service, fragment);
    read_section(reader.find("workloads"), "workloads", read_workload, fragment);
    sort_by_name(fragment.services);
    sort_by_name(fragment.workloads);
    return fragment;
}

}  // namespace weir

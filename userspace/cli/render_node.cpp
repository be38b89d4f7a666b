// SPDX-License-Identifier: Apache-2.0
// Settings, hosts and history as text: what concerns this node rather than its traffic.
#include <array>
#include <cstdio>
#include <ctime>

#include "userspace/cli/render.h"

namespace weir {
namespace {

using nlohmann::json;

std::string time_str(std::int64_t seconds) {
    std::array<char, 32> text{};
    const auto when = static_cast<std::time_t>(seconds);
    std::tm parts{};
    ::gmtime_r(&when, &parts);
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text.data();
}

}  // namespace

std::string render_config(const std::vector<ConfigRow>& rows, std::uint64_t fixed,
                          std::uint64_t total, Format format) {
    if (is_document(format)) {
        json items = json::array();
        for (const auto& row : rows)
            items.push_back({{"setting", row.setting},
                             {"value", row.value},
                             {"origin", row.origin},
                             {"bytes", row.bytes}});
        return render_document(
            document("NodeConfig", {{"items", items}, {"otherBytes", fixed}, {"bytes", total}}),
            format);
    }
    Table table({"SETTING", "VALUE", "MEMORY", "ORIGIN"});
    for (const auto& row : rows)
        table.add({row.setting, row.value.empty() ? "<none>" : row.value,
                   row.bytes == 0 ? "-" : short_bytes(row.bytes), row.origin});
    return table.str() + "\nTables take " + short_bytes(total) + " of kernel memory" +
           (total == 0 ? ": nothing is pinned here, or this user may not see it"
                       : ", " + short_bytes(fixed) + " of it whatever the settings") +
           ".\n";
}

std::string render_service_config(const std::vector<std::shared_ptr<const Service>>& services,
                                  const NodeMode& node, Format format) {
    json items = json::array();
    Table table({"SERVICE", "SETTING", "VALUE", "ORIGIN"});
    for (const auto& service : services)
        for (const auto& one : settings_of(*service, node)) {
            items.push_back({{"service", service->name},
                             {"setting", one.setting},
                             {"value", one.value},
                             {"origin", one.origin}});
            table.add(
                {service->name, one.setting, one.value.empty() ? "<none>" : one.value, one.origin});
        }
    return is_document(format)
               ? render_document(document("ServiceConfig", {{"items", items}}), format)
               : table.str();
}

std::string render_hosts(const Snapshot& snapshot, Format format) {
    if (is_document(format)) {
        json items = json::array();
        for (const auto& service : snapshot.services)
            for (const auto& address : service->addresses)
                items.push_back({{"address", address.addr.str()}, {"name", service->name}});
        return render_document(document("HostList", {{"items", items}}), format);
    }
    std::string text = "# BEGIN weir\n";
    for (const auto& service : snapshot.services)
        for (const auto& address : service->addresses)
            text += address.addr.str() + " " + service->name + "\n";
    return text + "# END weir\n";
}

std::string render_history(const std::vector<SavedState>& history, Format format) {
    if (is_document(format)) {
        json items = json::array();
        for (const auto& one : history)
            items.push_back({{"generation", one.generation},
                             {"savedAt", time_str(one.saved_at)},
                             {"meshDigest", digest_str(one.mesh.digest())},
                             {"files", one.mesh.files.size()}});
        return render_document(document("GenerationList", {{"items", items}}), format);
    }
    Table table({"GENERATION", "SAVED", "FILES", "DIGEST"});
    for (const auto& one : history)
        table.add({std::to_string(one.generation), time_str(one.saved_at),
                   std::to_string(one.mesh.files.size()), digest_str(one.mesh.digest())});
    return history.empty() ? "No good mesh was kept yet.\n" : table.str();
}

}  // namespace weir

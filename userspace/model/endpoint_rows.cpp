// SPDX-License-Identifier: Apache-2.0
#include "userspace/model/endpoint_rows.h"

#include "bpf/core/published.h"
#include "maps/addr.h"

namespace weir {

const weir_svc_settings* settings_in_force(const Tables& tables, std::uint32_t svc_port) {
    if (svc_port >= tables.svc_port.size())
        return nullptr;
    const auto& row = tables.svc_port[svc_port];
    const auto word = MmapArray<weir_svc_port>::load_word(row.published);
    return word == 0 ? nullptr : &row.settings[weir_published_decode(word).settings & 1];
}

std::optional<PublishedPort> published_port(const Tables& tables, std::uint32_t svc_port) {
    if (svc_port >= tables.svc_port.size())
        return std::nullopt;
    const auto& row = tables.svc_port[svc_port];
    const auto word = MmapArray<weir_svc_port>::load_word(row.published);
    const auto published = weir_published_decode(word);
    const auto& settings = row.settings[published.settings];
    const auto end = published.offset + std::uint64_t{settings.words};
    if (word == 0 || end > tables.slot.size())
        return std::nullopt;
    PublishedPort found{settings, {}};
    found.words.reserve(settings.words);
    for (std::uint64_t at = published.offset; at < end; at++)
        found.words.push_back(tables.slot[static_cast<std::uint32_t>(at)]);
    return found;
}

std::string endpoint_str(const weir_endpoint& row) {
    return endpoint_str(Addr(row.addr), ntohs(row.port));
}

Result<std::vector<EndpointState>> endpoint_states(const Tables& tables, std::uint32_t svc_port) {
    std::vector<EndpointState> rows;
    const auto* settings = settings_in_force(tables, svc_port);
    for (std::uint32_t i = 0; settings != nullptr && i < settings->endpoint_capacity; i++) {
        const std::uint32_t id = settings->endpoint_base + i;
        // Not beyond the table, should somebody have changed the settings.
        if (id >= tables.endpoint.size())
            break;
        const auto& endpoint = tables.endpoint[id];
        if (endpoint.svc_port != svc_port || endpoint.generation == 0 || endpoint.flags != 0)
            continue;
        WEIR_TRY(const auto state, tables.ep_state.find(id));
        if (state && state->generation == endpoint.generation)
            rows.push_back({id, *state});
    }
    return rows;
}

}  // namespace weir

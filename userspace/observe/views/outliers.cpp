// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/outliers.h"

#include "maps/clock.h"
#include "userspace/model/endpoint_rows.h"
#include "userspace/observe/views/health.h"

namespace weir {
namespace {

// The kernel tells of it once a second at most, while it lasts.
constexpr std::uint64_t kPanicLastsNs = 60'000'000'000;

}  // namespace

Result<std::vector<OutlierView>> outlier_views(const Tables& tables, const Names& names) {
    std::vector<OutlierView> views;
    const auto now = monotonic_ns();
    for (std::uint32_t id = 0; id < tables.svc_port.size(); id++) {
        const auto* settings = settings_in_force(tables, id);
        const auto* name = names.service_port(id);
        if (settings == nullptr || name == nullptr || settings->eject_after == 0)
            continue;
        WEIR_TRY(const auto state, tables.svc_state.find(id));
        if (!state)
            continue;
        const bool panics = state->panicked_ns != 0 && now < state->panicked_ns + kPanicLastsNs;
        if (state->ejections == 0 && !panics)
            continue;
        WEIR_TRY(const auto out, ejections_of(tables, id));
        views.push_back({name->service->name, name->port->port,
                         std::string(protocol_name(name->port->protocol)), state->ejections,
                         static_cast<std::uint32_t>(out.size()), panics});
    }
    return views;
}

}  // namespace weir

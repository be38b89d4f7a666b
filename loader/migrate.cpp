// SPDX-License-Identifier: Apache-2.0
// The feature "migrate": its skeleton. Its programs are never attached; the agent runs those whose
// table another build had with another layout.
#include "maps/abi/before.h"  // the skeleton names its structs

#include <migrate.skel.h>

#include "loader/before.h"
#include "loader/object.h"

namespace weir {

Result<Object> open_migrate(const Before& before, const ProgramSettings& settings) {
    migrate_bpf* skeleton = migrate_bpf::open();
    if (skeleton == nullptr)
        return fail_errno("cannot open the programs of \"migrate\"", errno);
    Object object("migrate",
                  {skeleton, [](void* s) { migrate_bpf::destroy(static_cast<migrate_bpf*>(s)); }},
                  skeleton->obj);
    skeleton->rodata->weir_events_every = settings.events_every;
    skeleton->rodata->weir_events_per_second = settings.events_per_second;
    skeleton->rodata->weir_counters_at = before.counters();
    skeleton->rodata->weir_sock_at = before.sock();
    skeleton->rodata->weir_udp_at = before.udp();
    skeleton->rodata->weir_edges_are_new = before.changed("weir_edge") ? 1 : 0;
    const auto load = [&](bpf_program* program, const char* table) {
        bpf_program__set_autoload(program, before.changed(table));
    };
    load(skeleton->progs.weir_take, "weir_sock");
    load(skeleton->progs.weir_take_tcp, "weir_sock");
    load(skeleton->progs.weir_take_udp, "weir_sock");
    load(skeleton->progs.weir_takeudp, "weir_udp_sock");
    load(skeleton->progs.weir_takeudp_udp, "weir_udp_sock");
    load(skeleton->progs.weir_merge_edge, "weir_edge");
    load(skeleton->progs.weir_merge_svc_state, "weir_svc_state");
    load(skeleton->progs.weir_merge_ep_state, "weir_ep_state");
    load(skeleton->progs.weir_merge_latency, "weir_latency");
    load(skeleton->progs.weir_merge_unmanaged, "weir_unmanaged");
    load(skeleton->progs.weir_merge_reason, "weir_reason");
    return object;
}

}  // namespace weir

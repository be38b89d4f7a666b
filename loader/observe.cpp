// SPDX-License-Identifier: Apache-2.0
// The feature "observe": its skeleton. weir_fold and weir_sweep are never attached; the agent runs
// them.
#include "maps/abi/before.h"  // the skeleton names its structs

#include <observe.skel.h>

#include "loader/before.h"
#include "loader/object.h"

namespace weir {

Result<Object> open_observe(const ProgramSettings& settings, const Before* before) {
    observe_bpf* skeleton = observe_bpf::open();
    if (skeleton == nullptr)
        return fail_errno("cannot open the programs of \"observe\"", errno);
    skeleton->rodata->weir_events_every = settings.events_every;
    if (before != nullptr) {
        skeleton->rodata->weir_sock_at = before->sock();
        skeleton->rodata->weir_udp_at = before->udp();
        skeleton->rodata->weir_edges_are_new = before->changed("weir_edge") ? 1 : 0;
    }
    Object object("observe",
                  {skeleton, [](void* s) { observe_bpf::destroy(static_cast<observe_bpf*>(s)); }},
                  skeleton->obj);
    if (settings.first_byte_every == 0)
        object.drop("weir_first_byte");
    return object;
}

}  // namespace weir

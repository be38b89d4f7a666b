// SPDX-License-Identifier: Apache-2.0
// The feature "observe": its skeleton. weir_fold is never attached; the agent runs it.
#include <observe.skel.h>

#include "loader/object.h"

namespace weir {

Result<Object> open_observe() {
    observe_bpf* skeleton = observe_bpf::open();
    if (skeleton == nullptr)
        return fail_errno("cannot open the programs of \"observe\"", errno);
    return Object("observe",
                  {skeleton, [](void* s) { observe_bpf::destroy(static_cast<observe_bpf*>(s)); }},
                  skeleton->obj);
}

}  // namespace weir

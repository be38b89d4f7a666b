// SPDX-License-Identifier: Apache-2.0
// The feature "identity": its skeleton. weir_resolve is never attached; the agent runs it.
#include <identity.skel.h>

#include "loader/object.h"

namespace weir {

Result<Object> open_identity() {
    identity_bpf* skeleton = identity_bpf::open();
    if (skeleton == nullptr)
        return fail_errno("cannot open the programs of \"identity\"", errno);
    return Object("identity",
                  {skeleton, [](void* s) { identity_bpf::destroy(static_cast<identity_bpf*>(s)); }},
                  skeleton->obj);
}

}  // namespace weir

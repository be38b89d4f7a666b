// SPDX-License-Identifier: Apache-2.0
#include "loader/idle.h"

#include <idle.skel.h>

#include "loader/iterators.h"
#include "loader/network_namespaces.h"
#include "maps/clock.h"

namespace weir {
namespace {

Result<Object> open_idle() {
    idle_bpf* skeleton = idle_bpf::open();
    if (skeleton == nullptr)
        return fail_errno("cannot open the programs of \"idle\"", errno);
    skeleton->rodata->weir_tick_ns = tick_ns();
    return Object("idle", {skeleton, [](void* s) { idle_bpf::destroy(static_cast<idle_bpf*>(s)); }},
                  skeleton->obj);
}

}  // namespace

Result<IdleSweep> IdleSweep::load(const PinDir& pins) {
    if (!can_enter_all_network_namespaces())
        return fail(
            "this process may not enter all network namespaces (CAP_SYS_ADMIN and CAP_SYS_PTRACE "
            "in the host's pid namespace, without RestrictNamespaces)");
    WEIR_TRY(Object object, open_idle());
    if (const auto loaded = object.load(pins, {}); !loaded)
        return fail("the kernel refused to end connections (bpf_sock_destroy: kernel 6.5): " +
                    loaded.error().message);
    return IdleSweep(std::move(object));
}

Status IdleSweep::run() const {
    const SocketIterator sockets{-1, -1, {object_.program("weir_idle"), -1}};
    return run_iterator(sockets, "look for idle connections");
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// The network namespaces of this machine, as far as a task is in them, and doing something in each.
#pragma once

#include <functional>

#include "maps/result.h"

namespace weir {

// Whether this process sees the tasks of the whole machine, and may enter their namespaces: not in
// a pid namespace of its own, nor without CAP_SYS_ADMIN and CAP_SYS_PTRACE, nor under systemd's
// RestrictNamespaces.
bool can_enter_all_network_namespaces();

// Calls `visit` once in each, on a thread of its own, until one fails. Root.
Status in_each_network_namespace(const std::function<Status()>& visit);

}  // namespace weir

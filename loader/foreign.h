// SPDX-License-Identifier: Apache-2.0
// Other people's programs on our hooks: who forbids ours, and whether another weir is there. Asks
// the kernel; changes nothing.
#pragma once

#include <string>

#include "loader/hooks.h"
#include "maps/result.h"

namespace weir {

// Exit 16 when the cgroup has a program of our name on this hook already.
Status refuse_second_weir(int cgroup, const std::string& path, const Hook& hook);

// Turns the EPERM of an attach into the program and cgroup that cause it (exit 17).
Status explain_refused_attach(const Error& error, const std::string& path, const Hook& hook);

}  // namespace weir

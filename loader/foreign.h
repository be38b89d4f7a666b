// SPDX-License-Identifier: Apache-2.0
// Other people's programs on our hooks: who forbids ours, and whether another weir is there. Asks
// the kernel; changes nothing.
#pragma once

#include <string>
#include <vector>

#include "loader/hooks.h"
#include "maps/result.h"

namespace weir {

// Exit 16 when the cgroup has a program of our name on this hook already.
Status refuse_second_weir(int cgroup, const std::string& path, const Hook& hook);

// Turns the EPERM of an attach into the program and cgroup that cause it (exit 17).
Status explain_refused_attach(const Error& error, const std::string& path, const Hook& hook);

// Programs of others on one of our hooks, in the order in which the kernel runs them for a process
// below the cgroup: that cgroup's own first, then its parents'. Ours is among them.
struct HookNeighbours {
    std::string hook;                // our program
    std::vector<std::string> order;  // "tst_connect (12)"
};
std::vector<HookNeighbours> hook_neighbours(const std::string& cgroup);

}  // namespace weir

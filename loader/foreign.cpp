// SPDX-License-Identifier: Apache-2.0
#include "loader/foreign.h"

#include <fcntl.h>

#include "loader/exit_codes.h"
#include "loader/link.h"

namespace weir {

Status refuse_second_weir(int cgroup, const std::string& path, const Hook& hook) {
    const auto found = attached_programs(cgroup, hook.type);
    if (!found)
        return {};  // cannot be told; the attach itself will say
    for (const auto& program : found->programs)
        if (program.name == hook.program)
            return fail_exit(kExitSecondAgent, "another weir steers " + path + " (program " +
                                                   std::to_string(program.id) + ", " +
                                                   program.name +
                                                   "): uninstall it, or choose another --cgroup");
    return {};
}

std::vector<HookNeighbours> hook_neighbours(const std::string& path) {
    std::vector<HookNeighbours> all;
    for (const auto& hook : kHooks) {
        HookNeighbours found{hook.program, {}};
        bool others = false;
        for (std::string at = path; hook.kind == Hook::Kind::kCgroup && at.size() > 1;
             at = at.substr(0, at.rfind('/'))) {
            const Fd cgroup(::open(at.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
            const auto programs = attached_programs(cgroup.get(), hook.type);
            if (!programs)
                break;
            for (const auto& program : programs->programs) {
                others |= program.name != hook.program;
                found.order.push_back((program.name.empty() ? "a program" : program.name) + " (" +
                                      std::to_string(program.id) + ")");
            }
        }
        if (others)
            all.push_back(std::move(found));
    }
    return all;
}

Status explain_refused_attach(const Error& error, const std::string& path, const Hook& hook) {
    if (error.code != EPERM)
        return tl::unexpected(error);
    // A program attached without BPF_F_ALLOW_MULTI here or at any ancestor forbids ours.
    for (std::string at = path; at.find('/') != std::string::npos;
         at = at.substr(0, at.rfind('/'))) {
        const Fd cgroup(::open(at.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        const auto found = attached_programs(cgroup.get(), hook.type);
        if (!found)
            break;
        if (found->programs.empty() || (found->flags & BPF_F_ALLOW_MULTI) != 0)
            continue;
        const auto& program = found->programs.front();
        return fail_exit(kExitForeignProgram,
                         "program " + std::to_string(program.id) + " (" + program.name +
                             ") is attached at " + at +
                             " without BPF_F_ALLOW_MULTI, which forbids any other: detach it "
                             "(bpftool cgroup detach), or have its owner attach it with `multi`");
    }
    return fail_with(error, "attaching at " + path);
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// Removal, and the proof that nothing is left. Links go in reverse of the order in which they were
// attached, so that no new connection is steered while the hooks that count its end go away.
#include <fcntl.h>
#include <unistd.h>

#include "loader/data_plane.h"
#include "loader/exit_codes.h"

namespace weir {

Status remove_pins(PinDir& pins) {
    for (auto hook = kHooks.rbegin(); hook != kHooks.rend(); ++hook)
        WEIR_CHECK(Link::remove(pins.link(hook->program)));
    for (const auto& name : PinDir::names(pins.links()))  // of another build, or left half made
        WEIR_CHECK(Link::remove(pins.link(name)));
    for (const auto& name : PinDir::names(pins.maps()))
        if (::unlink(pins.map(name).c_str()) && errno != ENOENT)
            return fail_errno("cannot remove " + pins.map(name), errno);
    return pins.remove();
}

Status uninstall(const std::string& bpffs) {
    for (const unsigned version : PinDir::versions(bpffs)) {
        PinDir pins(bpffs, version);
        WEIR_CHECK(pins.claim());  // held to the end: an agent that starts meanwhile is refused
        WEIR_CHECK(remove_pins(pins));
    }
    return {};
}

std::vector<std::string> leftovers(const std::string& bpffs, const std::string& cgroup) {
    std::vector<std::string> left;
    for (const unsigned version : PinDir::versions(bpffs)) {
        const PinDir pins(bpffs, version);
        left.push_back(pins.root());
        for (const auto& name : PinDir::names(pins.links()))
            left.push_back(pins.link(name));
        for (const auto& name : PinDir::names(pins.maps()))
            left.push_back(pins.map(name));
    }
    const Fd fd(::open(cgroup.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd)
        return left;
    for (const auto& hook : kHooks) {
        if (hook.kind != Hook::Kind::kCgroup)
            continue;
        const auto found = attached_programs(fd.get(), hook.type);
        if (!found)
            continue;
        for (const auto& program : found->programs)
            if (program.name.empty())
                left.push_back("program " + std::to_string(program.id) + " at " + cgroup +
                               " may be weir's: seeing its name needs CAP_SYS_ADMIN");
            else if (program.name.starts_with("weir_"))
                left.push_back("program " + std::to_string(program.id) + " (" + program.name +
                               ") at " + cgroup);
    }
    return left;
}

}  // namespace weir

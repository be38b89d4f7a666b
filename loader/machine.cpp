// SPDX-License-Identifier: Apache-2.0
#include "loader/machine.h"

#include <linux/capability.h>
#include <linux/magic.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>

#include "loader/exit_codes.h"

namespace weir {

bool has_capability(int number) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
    ::syscall(SYS_capget, &header, data.data());
    const auto word = static_cast<std::size_t>(number) / 32;
    return (data.at(word).effective >> (number % 32) & 1U) != 0;
}

std::vector<Capability> missing_capabilities() {
    const std::array<Capability, 3> needed{{
        {CAP_NET_ADMIN, "CAP_NET_ADMIN", "to attach programs to cgroups"},
        {CAP_PERFMON, "CAP_PERFMON", "to let programs read kernel structs"},
        {CAP_BPF, "CAP_BPF", "to load programs and make maps"},
    }};
    std::vector<Capability> missing;
    for (const auto& capability : needed)
        if (!has_capability(capability.number))
            missing.push_back(capability);
    return missing;
}

Status check_privilege() {
    const auto missing = missing_capabilities();
    if (missing.empty())
        return {};
    if (::geteuid() != 0 && missing.size() == 3)
        return fail_exit(kExitNotRoot,
                         "weir needs root or CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, and user " +
                             std::to_string(::geteuid()) + " has none of them: run it with sudo");
    const auto& first = missing.front();
    return fail_exit(kExitCapability, first.name + " is missing, which weir needs " + first.why +
                                          ": add it to the service's AmbientCapabilities= or the "
                                          "container's securityContext.capabilities");
}

Status check_btf() {
    const char* path = "/sys/kernel/btf/vmlinux";
    if (::access(path, R_OK) == 0)
        return {};
    return fail_exit(kExitNoBtf, std::string("this kernel has no BTF (") + path +
                                     " is missing), without which programs cannot be fitted to it: "
                                     "boot a kernel built with CONFIG_DEBUG_INFO_BTF=y (Debian's, "
                                     "Ubuntu's and RHEL's are)");
}

Status check_bpffs(const std::string& path) {
    struct statfs stat{};
    if (::statfs(path.c_str(), &stat) == 0 &&
        static_cast<unsigned long>(stat.f_type) == static_cast<unsigned long>(BPF_FS_MAGIC))
        return {};
    return fail_exit(kExitNoBpffs, "no bpf file system is mounted at " + path +
                                       ", where weir keeps its programs alive: run `mount -t bpf "
                                       "bpf " +
                                       path + "`, or name another one with --bpffs");
}

}  // namespace weir

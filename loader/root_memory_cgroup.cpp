// SPDX-License-Identifier: Apache-2.0
#include "loader/root_memory_cgroup.h"

#include <fcntl.h>
#include <mntent.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>

#include "maps/fd.h"

namespace weir {
namespace {

struct Mount {
    std::string path;
    bool is_v1 = false;
};

// The hierarchy that counts memory: its own where there is one, else that of cgroup2.
std::optional<Mount> memory_hierarchy() {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> mounts(
        ::setmntent("/proc/self/mounts", "re"), ::endmntent);
    std::optional<Mount> found;
    mntent entry{};
    std::array<char, 4096> text{};
    while (mounts && ::getmntent_r(mounts.get(), &entry, text.data(), text.size()) != nullptr) {
        const std::string type = entry.mnt_type;
        if (type == "cgroup" && ::hasmntopt(&entry, "memory") != nullptr)
            return Mount{entry.mnt_dir, true};
        if (type == "cgroup2" && !found)
            found = Mount{entry.mnt_dir, false};
    }
    return found;
}

// A container may see a part of the hierarchy only. What only the root has, and what it has not:
bool is_root(const Mount& mount) {
    return mount.is_v1 ? ::access((mount.path + "/release_agent").c_str(), F_OK) == 0
                       : ::access((mount.path + "/cgroup.type").c_str(), F_OK) != 0;
}

}  // namespace

Status enter_root_memory_cgroup() {
    const auto mount = memory_hierarchy();
    if (!mount)
        return fail("no cgroup file system is mounted");
    if (!is_root(*mount))
        return fail(mount->path + " is not the root of the machine's cgroups");
    const std::string path = mount->path + "/cgroup.procs";
    const Fd processes(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!processes || ::write(processes.get(), "0", 1) != 1)
        return fail_errno("cannot write " + path, errno);
    return {};
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include "loader/root_memory_cgroup.h"

#include <fcntl.h>
#include <mntent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>

#include "maps/fd.h"

namespace weir {
namespace {

// The hierarchy that counts memory: its own where there is one, else that of cgroup2.
std::optional<std::string> memory_hierarchy() {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> mounts(
        ::setmntent("/proc/self/mounts", "re"), ::endmntent);
    std::optional<std::string> found;
    mntent entry{};
    std::array<char, 4096> text{};
    while (mounts && ::getmntent_r(mounts.get(), &entry, text.data(), text.size()) != nullptr) {
        const std::string type = entry.mnt_type;
        if (type == "cgroup" && ::hasmntopt(&entry, "memory") != nullptr)
            return entry.mnt_dir;
        if (type == "cgroup2" && !found)
            found = entry.mnt_dir;
    }
    return found;
}

// A container may see a part of the hierarchy only, whose inode is another.
bool is_root(const std::string& mount) {
    struct stat stat{};
    return ::stat(mount.c_str(), &stat) == 0 && stat.st_ino == 1;
}

}  // namespace

Status enter_root_memory_cgroup() {
    const auto mount = memory_hierarchy();
    if (!mount)
        return fail("no cgroup file system is mounted");
    if (!is_root(*mount))
        return fail(*mount + " is not the root of the machine's cgroups");
    const std::string path = *mount + "/cgroup.procs";
    const Fd processes(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!processes || ::write(processes.get(), "0", 1) != 1)
        return fail_errno("cannot write " + path, errno);
    return {};
}

}  // namespace weir

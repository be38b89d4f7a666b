// SPDX-License-Identifier: Apache-2.0
#include "userspace/node/cgroups.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "loader/exit_codes.h"

namespace weir {
namespace {

bool is_cgroup2(const std::string& path) {
    struct statfs stat{};
    return ::statfs(path.c_str(), &stat) == 0 &&
           static_cast<unsigned long>(stat.f_type) ==
               static_cast<unsigned long>(CGROUP2_SUPER_MAGIC);
}

// Spaces and the like are written as \040 in the mount table.
std::string unescape(const std::string& field) {
    std::string text;
    for (std::size_t i = 0; i < field.size(); i++) {
        if (field[i] == '\\' && i + 3 < field.size()) {
            text += static_cast<char>(std::stoi(field.substr(i + 1, 3), nullptr, 8));
            i += 3;
        } else {
            text += field[i];
        }
    }
    return text;
}

bool vanished(const std::error_code& error) {
    return error == std::errc::no_such_file_or_directory || error == std::errc::no_such_device;
}

Status list_below(const std::string& directory, const std::string& path, std::uint64_t parent,
                  std::vector<Cgroup>& found) {
    struct stat stat{};
    std::error_code error;
    if (::stat(directory.c_str(), &stat))
        error = {errno, std::generic_category()};
    std::filesystem::directory_iterator entry;
    if (!error) {
        found.push_back({stat.st_ino, parent, path});
        entry = std::filesystem::directory_iterator(directory, error);
    }
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        std::error_code unknown;
        if (entry->is_directory(unknown))
            WEIR_CHECK(
                list_below(entry->path().string(),
                           (path == "/" ? "" : path) + "/" + entry->path().filename().string(),
                           stat.st_ino, found));
    }
    if (error && !vanished(error))
        return fail("cannot list the cgroups at " + directory + ": " + error.message(),
                    error.value());
    return {};
}

}  // namespace

Result<std::string> find_cgroup2() {
    std::ifstream mounts("/proc/self/mounts");
    std::string line;
    while (std::getline(mounts, line)) {
        std::istringstream fields(line);
        std::string device, path, type;
        fields >> device >> path >> type;
        if (type == "cgroup2")
            return unescape(path);
    }
    return fail_exit(kExitNoCgroup2,
                     "no cgroup2 file system is mounted, and weir steers by cgroup: mount one "
                     "(mount -t cgroup2 none /sys/fs/cgroup), or boot with "
                     "systemd.unified_cgroup_hierarchy=1");
}

Result<std::string> choose_cgroup(const std::string& wanted) {
    if (!wanted.empty()) {
        if (is_cgroup2(wanted))
            return wanted;
        return fail_exit(kExitNoCgroup2,
                         wanted +
                             " is not a cgroup2 directory: give --cgroup a directory below "
                             "the cgroup2 mount (grep cgroup2 /proc/mounts), or leave it out");
    }
    WEIR_TRY(std::string mount, find_cgroup2());
    struct stat stat{};
    if (::stat(mount.c_str(), &stat) == 0 && stat.st_ino == 1)
        return mount;
    return fail_exit(kExitFalseRoot,
                     "the cgroup2 root at " + mount + " is a container's own (inode " +
                         std::to_string(stat.st_ino) +
                         ", not 1), so only that container would be steered: mount the host's with "
                         "hostPath /sys/fs/cgroup, or name a cgroup with --cgroup");
}

Result<std::vector<Cgroup>> list_cgroups(const std::string& mount) {
    std::vector<Cgroup> found;
    WEIR_CHECK(list_below(mount, "/", 0, found));
    return found;
}

}  // namespace weir

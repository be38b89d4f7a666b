// SPDX-License-Identifier: Apache-2.0
#include "loader/pin_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>

#include "loader/exit_codes.h"

namespace weir {
namespace {

Status make_private_directory(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) && errno != EEXIST)
        return fail_errno("cannot make " + path, errno);
    struct stat stat{};
    if (::lstat(path.c_str(), &stat))
        return fail_errno("cannot look at " + path, errno);
    if (!S_ISDIR(stat.st_mode) || stat.st_uid != ::geteuid() || (stat.st_mode & 077) != 0)
        return fail_exit(kExitForeignPins,
                         path +
                             " is not a directory of this user with mode 0700, so its pins "
                             "cannot be trusted: find out who made it, then remove it");
    return {};
}

}  // namespace

PinDir::PinDir(const std::string& bpffs, unsigned version)
    : bpffs_(bpffs), root_(bpffs + "/weir/v" + std::to_string(version)) {}

PinDir::~PinDir() {
    if (lock_)
        (void)remove();
}

bool PinDir::exists() const {
    return ::access(root_.c_str(), F_OK) == 0;
}

Status PinDir::claim() {
    const std::string parent = root_.substr(0, root_.rfind('/'));
    for (const auto& path : {parent, root_, maps(), links()})
        WEIR_CHECK(make_private_directory(path));
    Fd lock(::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!lock)
        return fail_errno("cannot open " + root_, errno);
    if (::flock(lock.get(), LOCK_EX | LOCK_NB))
        return fail_exit(kExitSecondAgent,
                         "a weir-agent is running and holds " + root_ +
                             ": stop it first, or give this one its own --bpffs, --cgroup, "
                             "--socket, --state and --listen");
    lock_ = std::move(lock);
    return {};
}

std::vector<unsigned> PinDir::versions(const std::string& bpffs) {
    std::vector<unsigned> found;
    for (const auto& name : names(bpffs + "/weir")) {
        unsigned version = 0;
        const char* end = name.data() + name.size();
        const auto parsed = std::from_chars(name.data() + 1, end, version);
        if (name.front() == 'v' && parsed.ec == std::errc() && parsed.ptr == end)
            found.push_back(version);
    }
    return found;
}

std::string PinDir::why_missing() const {
    std::string others;
    for (const unsigned version : versions(bpffs_))
        others += (others.empty() ? "" : ", ") + PinDir(bpffs_, version).root();
    if (others.empty())
        return "nothing is pinned at " + root_;
    return "what is pinned at " + others +
           " is of another build of weir, whose own `weir` command reads it (uninstall works with "
           "any)";
}

std::vector<std::string> PinDir::names(const std::string& directory) {
    std::vector<std::string> found;
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(directory.c_str()), &::closedir);
    if (!dir)
        return found;
    while (const dirent* entry = ::readdir(dir.get()))
        if (entry->d_name[0] != '.')
            found.emplace_back(entry->d_name);
    std::sort(found.begin(), found.end());
    return found;
}

Status PinDir::remove() {
    const std::string parent = root_.substr(0, root_.rfind('/'));
    for (const auto& path : {maps(), links(), root_})
        if (::rmdir(path.c_str()) && errno != ENOENT)
            return fail_errno("cannot remove " + path, errno);
    ::rmdir(parent.c_str());  // stays while another ABI version has pins there
    return {};
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include "loader/network_namespaces.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "loader/machine.h"
#include "maps/fd.h"

namespace weir {
namespace {

// The inode of the first pid namespace's file: PROC_PID_INIT_INO, the same on every kernel.
constexpr ino_t kFirstPidNamespace = 0xEFFFFFFCU;

bool is_number(const std::string& name) {
    return std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c); });
}

// One descriptor for each. Tasks that end meanwhile are passed over.
std::vector<Fd> network_namespaces() {
    std::set<ino_t> known;
    std::vector<Fd> found;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
        if (!is_number(entry.path().filename().string()))
            continue;
        const std::string path = entry.path().string() + "/ns/net";
        struct stat stat{};
        if (::stat(path.c_str(), &stat) != 0 || !known.insert(stat.st_ino).second)
            continue;
        if (Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); fd)
            found.push_back(std::move(fd));
        else
            known.erase(stat.st_ino);  // another task may be in it
    }
    return found;
}

Status visit_all(const std::function<Status()>& visit) {
    for (const auto& one : network_namespaces()) {
        if (::setns(one.get(), CLONE_NEWNET) != 0)
            return fail_errno("cannot enter a network namespace", errno);
        WEIR_CHECK(visit());
    }
    return {};
}

}  // namespace

bool can_enter_all_network_namespaces() {
    struct stat stat{};
    if (!has_capability(CAP_SYS_PTRACE))  // without it those of stronger tasks are not seen
        return false;
    if (::stat("/proc/self/ns/pid", &stat) != 0 || stat.st_ino != kFirstPidNamespace)
        return false;
    const Fd own(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    return own && ::setns(own.get(), CLONE_NEWNET) == 0;  // it is in there already
}

Status in_each_network_namespace(const std::function<Status()>& visit) {
    Status done;
    std::thread([&] { done = visit_all(visit); }).join();
    return done;
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "loader/data_plane.h"
#include "loader/machine.h"
#include "userspace/cli/commands.h"
#include "userspace/node/cgroups.h"
#include "userspace/reconcile/saved_state.h"

namespace weir {
namespace {

std::vector<std::string> files_of(const NodePaths& paths) {
    auto files = state_files(paths.state);
    struct stat stat{};
    if (::lstat(paths.socket.c_str(), &stat) == 0 && S_ISSOCK(stat.st_mode))
        files.push_back(paths.socket);
    return files;
}

int verify(const CliOptions& options) {
    const auto cgroup = choose_cgroup(options.node.paths.cgroup);
    auto left = leftovers(options.node.paths.bpffs, cgroup ? *cgroup : "");
    for (const auto& file : files_of(options.node.paths))
        if (::access(file.c_str(), F_OK) == 0)
            left.push_back(file);
    if (left.empty()) {
        std::puts("nothing of weir is left on this node");
        return 0;
    }
    for (const auto& thing : left)
        std::fprintf(stderr, "weir: left: %s\n", thing.c_str());
    return 1;
}

}  // namespace

// Links, tables and files go; connections that are open live on, new ones go direct. The mesh
// directory is the user's and stays.
int command_uninstall(const CliOptions& options) {
    if (auto allowed = check_privilege(); !allowed)
        return print_error(allowed.error());
    if (auto removed = uninstall(options.node.paths.bpffs); !removed)
        return print_error(removed.error());
    for (const auto& file : files_of(options.node.paths))
        if (::unlink(file.c_str()) && errno != ENOENT)
            return print_error(fail_errno("cannot remove " + file, errno).value());
    // Directories only if nothing else is in them.
    remove_state_directories(options.node.paths.state);
    ::rmdir(options.node.paths.socket.substr(0, options.node.paths.socket.rfind('/')).c_str());
    if (options.verify)
        return verify(options);
    std::printf("weir is uninstalled; %s was left as it is\n", options.node.paths.mesh.c_str());
    return 0;
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// This machine's cgroup2 tree: where it is mounted, whether what we see is its real root, and which
// cgroups there are. Reads /proc and cgroupfs; knows nothing of workloads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "maps/result.h"

namespace weir {

struct Cgroup {
    std::uint64_t id = 0;
    std::uint64_t parent = 0;  // 0 = the root has none
    std::string path;          // from the cgroup2 root, "/" for itself
};

// The cgroup2 mount point, from the mount table; also beside v1 hierarchies. Exit 12.
Result<std::string> find_cgroup2();

// The cgroup to attach at: `wanted`, or the machine's root when empty. Exit 12 when that is no
// cgroup2 directory, 13 when the root is only a container's own (its inode is not 1).
Result<std::string> choose_cgroup(const std::string& wanted);

// All cgroups below the mount, parents before children. Ones that vanish meanwhile are left out.
Result<std::vector<Cgroup>> list_cgroups(const std::string& mount);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// The mesh file's grammar: services and workloads (docs/mesh.md). Binds one file's YAML and checks
// each service by itself; knows nothing of other files.
#pragma once

#include <memory>
#include <vector>

#include "userspace/model/mesh_text.h"
#include "userspace/model/origin.h"
#include "userspace/model/snapshot.h"

namespace weir {

// What one file says. Names are unique in it, and sorted.
struct MeshFragment {
    MeshFile file;
    std::vector<std::shared_ptr<const Service>> services;
    std::vector<std::shared_ptr<const Workload>> workloads;
    Diagnostics found;
};

// Errors name the file as <directory>/<name>.
MeshFragment read_mesh_file(MeshFile file, const std::string& directory);

}  // namespace weir

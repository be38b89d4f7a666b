// SPDX-License-Identifier: Apache-2.0
// The mesh file's grammar: services and workloads (docs/mesh.md). Binds one file's YAML into a
// snapshot that may hold other files' already.
#pragma once

#include "userspace/model/mesh_text.h"
#include "userspace/model/origin.h"
#include "userspace/model/snapshot.h"
#include "userspace/source/source.h"

namespace weir {

// Adds what the file says; a service or workload that another file has is an error.
void read_mesh_file(const std::string& text, const std::string& file, Snapshot& snapshot,
                    Diagnostics& found);

// Reads all files and checks the whole. Errors name files as <directory>/<name>.
Reading read_mesh(MeshText text);

}  // namespace weir

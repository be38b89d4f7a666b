// SPDX-License-Identifier: Apache-2.0
// The mesh directory as it would be with some files put into it: what validate, diff and apply look
// at. Reads; install() is the only one that writes.
#pragma once

#include <string>
#include <vector>

#include "maps/result.h"
#include "userspace/agent/options.h"
#include "userspace/source/source.h"

namespace weir {

// The directory with `files` in place of, or beside, those of their names. A missing directory
// counts as empty when there are files.
Result<MeshText> with_files(const std::string& directory, const std::vector<std::string>& files);

// Only these files, or a directory's, as a mesh of their own.
Result<MeshText> only_files(const std::vector<std::string>& paths);

// Puts files into the directory: all are written beside it, then renamed one after the other.
Status install(const std::string& directory, const std::vector<MeshFile>& files);

// Diagnostics to standard error; whether there are errors.
bool print_diagnostics(const Reading& reading);

// What the new mesh would cut applications off from, on standard error. Nothing where weir is not
// on this node.
void print_cut_offs(const NodePaths& paths, const Snapshot& before, const Snapshot& after);

}  // namespace weir

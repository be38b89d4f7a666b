// SPDX-License-Identifier: Apache-2.0
// The kernel's tables for the commands that store into them, with or without an agent.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "userspace/cli/commands.h"
#include "userspace/observe/views/names.h"

namespace weir {

// Root; an error says what to do where weir is not on this node.
Result<Tables> writable_tables(const CliOptions& options);

// The rows of a service's ports that are in the kernel; an error for one that is not in the mesh.
Result<std::vector<std::uint32_t>> port_rows_of(const Names& names, const Snapshot& snapshot,
                                                const std::string& service);

// When `--for` ends, on CLOCK_MONOTONIC; the error is one of usage.
Result<std::uint64_t> end_of(const std::string& length);
// "10m", as it was understood.
std::string length_str(const std::string& length);

}  // namespace weir

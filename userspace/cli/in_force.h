// SPDX-License-Identifier: Apache-2.0
// The end of every command that changes the mesh directory: waiting until the kernel has it.
#pragma once

#include <string>

#include "userspace/cli/commands.h"

namespace weir {

// Polls the agent until what it read last is `digest` and in force; says what came of it. The exit
// code.
int wait_until_in_force(const CliOptions& options, const std::string& digest);

}  // namespace weir

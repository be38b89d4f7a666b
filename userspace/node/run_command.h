// SPDX-License-Identifier: Apache-2.0
// Runs another program to its end and keeps what it says. Without a shell.
#pragma once

#include <string>
#include <vector>

#include "maps/result.h"

namespace weir {

struct CommandOutput {
    int status = 0;  // exit code; 128 and more: ended by a signal
    std::string out, err;
};

// Ended with SIGKILL after `seconds`. Error: it could not be started.
Result<CommandOutput> run_command(const std::vector<std::string>& words, int seconds);

}  // namespace weir

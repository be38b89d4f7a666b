// SPDX-License-Identifier: Apache-2.0
// Exit codes of weir-agent and weir, documented in docs/cli.md. 0, 1 and 2 are everybody's.
#pragma once

#include <string>

#include "maps/result.h"

namespace weir {

enum ExitCode {
    kExitOk = 0,
    kExitFailed = 1,
    kExitUsage = 2,
    kExitNotRoot = 10,         // not root, and without the capabilities
    kExitNoBtf = 11,           // the kernel has no BTF
    kExitNoCgroup2 = 12,       // no cgroup2 mounted, or the path given is none
    kExitFalseRoot = 13,       // the cgroup2 root seen here is a container's
    kExitNoBpffs = 14,         // no bpf file system at the path
    kExitCapability = 15,      // a capability is missing
    kExitSecondAgent = 16,     // another agent holds the pins, or steers this cgroup
    kExitForeignProgram = 17,  // somebody's program forbids others on the cgroup
    kExitForeignPins = 18,     // the pins are not ours, or of another layout
};

[[nodiscard]] inline tl::unexpected<Error> fail_exit(ExitCode exit_code, std::string message) {
    return tl::unexpected<Error>(Error{std::move(message), 0, exit_code});
}

}  // namespace weir

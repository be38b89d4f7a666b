// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/in_force.h"

#include <unistd.h>

#include <cstdio>

#include "userspace/cli/node_view.h"

namespace weir {

int wait_until_in_force(const CliOptions& options, const std::string& digest) {
    for (int tries = 0; tries < options.wait_seconds * 20; tries++) {
        const auto seen = see_status(options.node.paths);
        if (!seen || !seen->agent) {
            std::fprintf(stderr,
                         "weir: installed, but no agent is running: it takes effect when "
                         "weir-agent starts\n");
            return 1;
        }
        const auto& view = seen->view;
        if (view.agent->meshDigest == digest && !view.agent->refused.empty()) {
            for (const auto& refused : view.agent->refused)
                std::fprintf(stderr, "weir: refused: %s\n", refused.c_str());
            return 1;
        }
        if (view.meshDigest == digest && view.agent->meshDigest == digest) {
            std::printf("generation %llu is in force\n",
                        static_cast<unsigned long long>(view.generation));
            return 0;
        }
        ::usleep(50'000);
    }
    std::fprintf(stderr,
                 "weir: installed, but not in the kernel after %d seconds: see `weir status`\n",
                 options.wait_seconds);
    return 1;
}

}  // namespace weir

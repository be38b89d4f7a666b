// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "maps/abi/base.h"
#include "userspace/cli/commands.h"

namespace weir {

int command_version(const CliOptions& options) {
    if (options.format == Format::kTable || options.format == Format::kWide)
        std::printf("weir %s (abi %d)\n", WEIR_VERSION, WEIR_ABI_VERSION);
    else
        std::fputs(render_document(
                       document("Version", {{"version", WEIR_VERSION}, {"abi", WEIR_ABI_VERSION}}),
                       options.format)
                       .c_str(),
                   stdout);
    return 0;
}

int print_error(const Error& error) {
    std::fprintf(stderr, "weir: %s\n", error.message.c_str());
    return error.exit_code;
}

}  // namespace weir

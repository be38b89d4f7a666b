// SPDX-License-Identifier: Apache-2.0
// Runs the programs that are attached nowhere, so that the kernel's own code writes the kernel's
// own tables. Waits for them; what they did is in the tables.
#pragma once

#include <cstdint>
#include <string>

#include "maps/result.h"

namespace weir {

// `request`: what the program reads as its packet, at least 14 bytes. Errors: the kernel would not
// run it, or the program itself refused.
Status run_program(int program, const void* request, std::uint32_t size, const std::string& what);

}  // namespace weir

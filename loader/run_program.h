// SPDX-License-Identifier: Apache-2.0
// Runs the programs that are attached nowhere, so that the kernel's own code writes the kernel's
// own tables. Waits for them; what they did is in the tables.
#pragma once

#include <cstdint>
#include <string>

#include "maps/result.h"

namespace weir {

// `request`: what the program reads of its packet from WEIR_REQUEST_AT on. In front of it is an
// Ethernet header of no type: were the request itself the packet, a number in it would now and then
// be the type of IPv4 or IPv6, and kernels (seen: 6.1.0-57 of Debian, 6.18.44) refuse to run a
// program on a packet that is too short for these, with EINVAL. Errors: the kernel would not run
// it, or the program itself refused.
Status run_program(int program, const void* request, std::uint32_t size, const std::string& what);

}  // namespace weir

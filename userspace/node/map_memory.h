// SPDX-License-Identifier: Apache-2.0
// What a BPF map costs, as the kernel says it in /proc.
#pragma once

#include <cstdint>

#include "maps/result.h"

namespace weir {

// Bytes of kernel memory that the map of this descriptor is charged with.
Result<std::uint64_t> map_memory(int fd);

}  // namespace weir

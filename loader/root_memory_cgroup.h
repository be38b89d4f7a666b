// SPDX-License-Identifier: Apache-2.0
// The root of the memory cgroups: what the kernel allocates on behalf of whoever is there is
// charged to nobody.
#pragma once

#include <string>

#include "maps/result.h"

namespace weir {

// Moves this process there; an error is the reason why it stays where it is. For a child process
// that ends soon: nobody moves it back.
Status enter_root_memory_cgroup();

}  // namespace weir

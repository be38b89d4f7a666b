// SPDX-License-Identifier: Apache-2.0
// Which connections there are now, for whoever asks without an agent: loads the program that lists
// them beside the pinned tables, runs it once, and leaves nothing.
#pragma once

#include <string>
#include <vector>

#include "maps/result.h"

namespace weir {

// One weir_event after the other. Root; the tables must be those of this build.
Result<std::vector<char>> list_sockets(const std::string& bpffs);

}  // namespace weir

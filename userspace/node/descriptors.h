// SPDX-License-Identifier: Apache-2.0
// How many files and connections this process may have open at once.
#pragma once

#include <cstddef>

namespace weir {

// Raises the limit to `wanted` if the administrator's allows it; what it is then.
std::size_t raise_descriptor_limit(std::size_t wanted);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// The rows of a table whose types this build does not know, as bytes. Hash tables and arrays; not
// those that are per CPU.
#pragma once

#include <functional>

#include "maps/result.h"

namespace weir {

// Calls `each` with every row, many rows to a system call. Rows that come and go meanwhile may be
// missed. An error of `each` ends it.
Status for_each_row(int table,
                    const std::function<Status(const char* key, const char* value)>& each);

}  // namespace weir

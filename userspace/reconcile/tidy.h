// SPDX-License-Identifier: Apache-2.0
// Gives back what left the mesh once no socket holds it: rows, ranges, service ports, and the edges
// that counted them. Nothing it touches can be reached by a connect any more.
#pragma once

#include "maps/tables.h"
#include "userspace/model/live.h"

namespace weir {

// Safe at any time between batches. `fold`: descriptor of weir_fold. Edges of a service that stays
// are folded into its `other`; those of a service that is gone are deleted.
enum class Edges { kOfFreedRows, kAll };  // kAll: also look for what a predecessor left
Status tidy(Tables& tables, LiveState& live, int fold, Edges edges = Edges::kOfFreedRows);

}  // namespace weir

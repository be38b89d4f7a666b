// SPDX-License-Identifier: Apache-2.0
// Gives back what left the mesh once no socket holds it: rows, ranges, service ports, and the edges
// that counted them. What a connect might still reach is made to look left first, and given back
// with the next call.
#pragma once

#include "maps/tables.h"
#include "userspace/model/live.h"
#include "userspace/reconcile/mirror.h"

namespace weir {

// kAll: also those of workloads that left, and what a predecessor has left; a walk over all edges.
enum class Edges { kOfFreedRows, kAll };

// Safe at any time between batches. `fold`: descriptor of weir_fold. Edges of endpoints and callers
// that left are folded into one; those of a service that is gone are deleted.
Status tidy(Tables& tables, Mirror& mirror, LiveState& live, int fold,
            Edges edges = Edges::kOfFreedRows);

}  // namespace weir

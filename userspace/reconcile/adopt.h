// SPDX-License-Identifier: Apache-2.0
// Reads the live state back from the tables: ids and generations are there and nowhere else, so a
// restart needs no file to go on, however its predecessor ended. Rows that lead nowhere sensible
// are treated as free or leaving, and put right by the next plan.
#pragma once

#include "maps/tables.h"
#include "userspace/model/live.h"

namespace weir {

// Waits for a grace period first: the predecessor may have ended in the middle of a batch.
Result<LiveState> adopt(const Tables& tables);
}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// Waiting until every program that started before has ended (an RCU grace period), so that rows
// which were taken out of sight can be reused. About 10 ms; once per batch of changes.
#pragma once

namespace weir {

// membarrier(MEMBARRIER_CMD_GLOBAL) waits for RCU; where it is refused (nohz_full), sleeps 1 s,
// which is far longer than any of weir's programs runs.
void wait_for_grace_period();

}  // namespace weir

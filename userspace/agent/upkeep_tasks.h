// SPDX-License-Identifier: Apache-2.0
// What the agent does again and again, and whether it could the last time. A task that goes on
// failing is counted each time and told of once; no I/O.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "maps/result.h"
#include "userspace/observe/views/status.h"

namespace weir {

// In the order of kUpkeepTasks.
enum class UpkeepTask { kCgroups, kDatagrams, kEvents, kHolds, kHooks, kRows, kSweep, kTidy };

struct UpkeepText {
    const char* name;
    const char* failed;  // the log's action
    const char* undone;  // what that means, while it fails
};

inline constexpr std::array<UpkeepText, 8> kUpkeepTasks{{
    {"cgroups", "identify-failed", "callers in new cgroups may have no workload"},
    {"datagrams", "datagrams-not-seen",
     "datagrams are not counted, and tell nothing of endpoints of UDP services"},
    {"events", "events-not-read", "events of connections may be missing from `weir flows`"},
    {"holds", "holds-not-read", "what `weir eject` and `weir restore` do is not in the log"},
    {"hooks", "hooks-lost", "hooks and pins that others took away are not back"},
    {"rows", "repair-failed", "rows of weir's tables that others changed stay so"},
    {"sweep", "sweep-failed", "bytes of open connections are counted at their end only"},
    {"tidy", "tidy-failed", "rows and counts of endpoints that left are not freed"},
}};

class UpkeepTasks {
  public:
    struct Change {
        const UpkeepText* task;
        std::string error;  // empty: it works again
    };

    // After each turn of a task; what there is to say of it.
    std::optional<Change> note(UpkeepTask task, const Status& outcome);

    // All tasks.
    std::vector<UpkeepView> views() const;

  private:
    struct State {
        std::string error;
        std::uint64_t failures = 0;
    };
    std::array<State, kUpkeepTasks.size()> states_;
};

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/upkeep_tasks.h"

namespace weir {

std::optional<UpkeepTasks::Change> UpkeepTasks::note(UpkeepTask task, const Status& outcome) {
    const auto index = static_cast<std::size_t>(task);
    auto& state = states_.at(index);
    auto error = outcome ? "" : outcome.error().message;
    if (!outcome)
        state.failures++;
    if (error == state.error)
        return std::nullopt;
    state.error = error;
    return Change{&kUpkeepTasks.at(index), std::move(error)};
}

std::vector<UpkeepView> UpkeepTasks::views() const {
    std::vector<UpkeepView> views;
    for (std::size_t i = 0; i < states_.size(); i++)
        views.push_back({kUpkeepTasks.at(i).name, kUpkeepTasks.at(i).undone, states_.at(i).error,
                         states_.at(i).failures});
    return views;
}

}  // namespace weir

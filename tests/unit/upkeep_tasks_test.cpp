// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/upkeep_tasks.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

UpkeepView view_of(const UpkeepTasks& tasks, const std::string& name) {
    for (const auto& view : tasks.views())
        if (view.task == name)
            return view;
    ADD_FAILURE() << "no task " << name;
    return {};
}

TEST(UpkeepTasks, AFailureIsToldOfOnceAndCountedEachTime) {
    UpkeepTasks tasks;
    EXPECT_FALSE(tasks.note(UpkeepTask::kTidy, {}));
    const auto begun = tasks.note(UpkeepTask::kTidy, fail("refused"));
    ASSERT_TRUE(begun);
    EXPECT_STREQ(begun->task->failed, "tidy-failed");
    EXPECT_EQ(begun->error, "refused");
    EXPECT_FALSE(tasks.note(UpkeepTask::kTidy, fail("refused")));
    EXPECT_EQ(view_of(tasks, "tidy").failures, 2U);
    EXPECT_EQ(view_of(tasks, "tidy").error, "refused");
    EXPECT_EQ(view_of(tasks, "sweep").failures, 0U);
    EXPECT_TRUE(view_of(tasks, "sweep").error.empty());
}

TEST(UpkeepTasks, AnotherErrorAndTheEndAreToldOf) {
    UpkeepTasks tasks;
    ASSERT_TRUE(tasks.note(UpkeepTask::kHooks, fail("no file system")));
    const auto other = tasks.note(UpkeepTask::kHooks, fail("no cgroup"));
    ASSERT_TRUE(other);
    EXPECT_EQ(other->error, "no cgroup");
    const auto ended = tasks.note(UpkeepTask::kHooks, {});
    ASSERT_TRUE(ended);
    EXPECT_TRUE(ended->error.empty());
    EXPECT_FALSE(tasks.note(UpkeepTask::kHooks, {}));
    EXPECT_EQ(view_of(tasks, "hooks").failures, 2U);
}

TEST(UpkeepTasks, TheNamesAreInTheOrderOfTheTasks) {
    EXPECT_STREQ(kUpkeepTasks.at(static_cast<std::size_t>(UpkeepTask::kCgroups)).name, "cgroups");
    EXPECT_STREQ(kUpkeepTasks.at(static_cast<std::size_t>(UpkeepTask::kRows)).name, "rows");
    EXPECT_STREQ(kUpkeepTasks.at(static_cast<std::size_t>(UpkeepTask::kTidy)).name, "tidy");
}

}  // namespace
}  // namespace weir

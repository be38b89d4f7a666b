// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "userspace/model/duration.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

TEST(Duration, ReadsWhatPeopleWrite) {
    EXPECT_EQ(parse_duration("500ms"), 500ms);
    EXPECT_EQ(parse_duration("30s"), 30s);
    EXPECT_EQ(parse_duration("10m"), 10min);
    EXPECT_EQ(parse_duration("3h"), 3h);
    EXPECT_EQ(parse_duration("1h30m"), 90min);
    EXPECT_EQ(parse_duration("1d"), 24h);
    EXPECT_EQ(parse_duration("0s"), 0s);
}

TEST(Duration, RefusesTheRest) {
    for (const char* text : {"", "3", "h", "-1s", "1.5h", "1 h", "1s1s", "1s2m", "10y",
                             "99999999999999999999s", "9223372036854775807d", "366000d"})
        EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Duration, IsWrittenTheSameWay) {
    for (const char* text : {"0s", "500ms", "30s", "1h30m", "2d3h", "1m5ms"})
        EXPECT_EQ(duration_str(*parse_duration(text)), text);
}

}  // namespace
}  // namespace weir

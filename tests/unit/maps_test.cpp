// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "maps/addr.h"
#include "maps/fd.h"
#include "maps/result.h"

#include <fcntl.h>

namespace weir {
namespace {

TEST(Addr, KeepsV4AsMapped) {
    const auto addr = Addr::parse("10.0.0.1");
    ASSERT_TRUE(addr);
    EXPECT_TRUE(addr->is_v4());
    EXPECT_EQ(addr->str(), "10.0.0.1");
    EXPECT_EQ(*Addr::parse("::ffff:10.0.0.1"), *addr);
    EXPECT_EQ(endpoint_str(*addr, 80), "10.0.0.1:80");
}

TEST(Addr, KnowsV6) {
    const auto addr = Addr::parse("fd00::1");
    ASSERT_TRUE(addr);
    EXPECT_FALSE(addr->is_v4());
    EXPECT_EQ(endpoint_str(*addr, 80), "[fd00::1]:80");
}

TEST(Addr, RefusesWhatIsNone) {
    for (const char* text :
         {"", "10.0.0", "10.0.0.256", "fd00:::1", "host", "10.0.0.1:80", "fe80::1%eth0"})
        EXPECT_FALSE(Addr::parse(text)) << text;
}

TEST(Addr, KnowsUnspecifiedAndMulticast) {
    EXPECT_TRUE(Addr::parse("0.0.0.0")->is_unspecified());
    EXPECT_TRUE(Addr::parse("::")->is_unspecified());
    EXPECT_FALSE(Addr::parse("::1")->is_unspecified());
    EXPECT_TRUE(Addr::parse("224.0.0.1")->is_multicast());
    EXPECT_TRUE(Addr::parse("255.255.255.255")->is_multicast());
    EXPECT_TRUE(Addr::parse("ff02::1")->is_multicast());
    EXPECT_FALSE(Addr::parse("10.0.0.1")->is_multicast());
}

TEST(Fd, ClosesOnceAndMoves) {
    const int raw = ::open("/dev/null", O_RDONLY);
    {
        Fd first(raw);
        Fd second(std::move(first));
        EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): that is what is tested
        EXPECT_EQ(second.get(), raw);
    }
    EXPECT_EQ(::fcntl(raw, F_GETFD), -1);
}

Result<int> twice(Result<int> number) {
    WEIR_TRY(const int value, std::move(number));
    return 2 * value;
}

TEST(Result, TryPassesValuesAndErrors) {
    EXPECT_EQ(twice(21).value(), 42);
    const auto failed = twice(fail("no number", 5));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().message, "no number");
    EXPECT_EQ(failed.error().code, 5);
    EXPECT_EQ(fail_with(failed.error(), "file").value().message, "file: no number");
}

}  // namespace
}  // namespace weir

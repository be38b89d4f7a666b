// SPDX-License-Identifier: Apache-2.0
// A link is pinned in two steps; an agent may be killed between them. The next one completes it,
// and no program is attached twice.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "loader/link.h"
#include "tests/kernel/fixture.h"

namespace weir {
namespace {

class Pins : public KernelTest {
  protected:
    std::size_t attached() const {
        const Fd fd(::open(cgroup_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        const auto found = attached_programs(fd.get(), BPF_CGROUP_INET4_CONNECT);
        EXPECT_TRUE(found);
        return found->programs.size();
    }
};

TEST_F(Pins, OneLeftBeforeItsRenameIsCompleted) {
    start_plane();
    const auto pin = plane_->pins().link("weir_connect4");
    stop_plane();
    ASSERT_EQ(std::rename(pin.c_str(), (pin + "_new").c_str()), 0);
    start_plane();
    EXPECT_EQ(attached(), 1U);
    EXPECT_EQ(::access(pin.c_str(), F_OK), 0);
    EXPECT_NE(::access((pin + "_new").c_str(), F_OK), 0);
}

TEST_F(Pins, OneLeftBesideItsPredecessorIsRemoved) {
    start_plane();
    const auto pin = plane_->pins().link("weir_connect4");
    const auto link = Link::adopt(plane_->pins().link("weir_connect6"));
    ASSERT_TRUE(link);
    stop_plane();
    ASSERT_TRUE(link->pin(pin + "_new_new"));  // any link will do
    ASSERT_EQ(std::rename((pin + "_new_new").c_str(), (pin + "_new").c_str()), 0);
    start_plane();
    EXPECT_EQ(attached(), 1U);
    EXPECT_NE(::access((pin + "_new").c_str(), F_OK), 0);
}

}  // namespace
}  // namespace weir

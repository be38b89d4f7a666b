// SPDX-License-Identifier: Apache-2.0
// A link is pinned in two steps; an agent may be killed between them. The next one completes it,
// and no program is attached twice.
#include <bpf/bpf.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdio>

#include "loader/before.h"
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

// A build that changed rows and forgot to say so: its programs must never see these tables.
TEST_F(Pins, OtherFieldsUnderTheSameVersionAreRefused) {
    start_plane();
    const auto pin = plane_->pins().map(kLayoutTable);
    const Fd table(bpf_obj_get(pin.c_str()));
    stop_plane();
    const auto info = map_info(table.get());
    ASSERT_TRUE(info);
    std::string types(info->value_size, '\0');
    const std::uint32_t row = 0;
    ASSERT_EQ(bpf_map_lookup_elem(table.get(), &row, types.data()), 0);
    const auto field = types.find("off_until_ns");
    ASSERT_NE(field, std::string::npos);
    types.replace(field, 3, "OFF");
    ASSERT_EQ(bpf_map_update_elem(table.get(), &row, types.data(), BPF_ANY), 0);
    auto plane = DataPlane::claim(bpffs_, cgroup_);
    ASSERT_TRUE(plane);
    const auto loaded = plane->load(small_sizes());
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().exit_code, 18);
    EXPECT_THAT(loaded.error().message, testing::HasSubstr("weir_"));
    EXPECT_THAT(loaded.error().message, testing::HasSubstr("under the same ABI version"));
}

}  // namespace
}  // namespace weir

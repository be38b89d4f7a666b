// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "userspace/reconcile/saved_state.h"

namespace weir {
namespace {

SavedState sample() {
    return {
        7,
        1700000000,
        {"/etc/weir/mesh.d", {{"a.yaml", "services: {}\n"}, {"b.yaml", "\"quoted\" \xc3\xa4\n"}}}};
}

TEST(SavedState, ComesBackAsItWas) {
    const auto state = decode_saved_state(encode_saved_state(sample()));
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_EQ(state->generation, 7U);
    EXPECT_EQ(state->saved_at, 1700000000);
    EXPECT_EQ(state->mesh.directory, "/etc/weir/mesh.d");
    EXPECT_EQ(state->mesh.files, sample().mesh.files);
}

TEST(SavedState, RefusesDamage) {
    const auto text = encode_saved_state(sample());
    EXPECT_FALSE(decode_saved_state(""));
    EXPECT_FALSE(decode_saved_state("[]"));
    EXPECT_FALSE(decode_saved_state("{\"version\": 2}"));
    for (std::size_t length = 0; length + 2 < text.size(); length += 7)
        EXPECT_FALSE(decode_saved_state(text.substr(0, length)));
    auto changed = text;
    changed.replace(changed.find("services"), 8, "Services");
    EXPECT_FALSE(decode_saved_state(changed));
}

TEST(SavedState, IsSavedAndLoaded) {
    const std::string directory = testing::TempDir() + "weir-state-" + std::to_string(::getpid());
    EXPECT_EQ(load_state(directory).error().code, ENOENT);
    ASSERT_TRUE(save_state(directory, sample()));
    EXPECT_EQ(load_state(directory)->mesh.files, sample().mesh.files);
    std::ofstream(saved_state_path(directory)) << "{";
    EXPECT_NE(load_state(directory).error().message.find("is damaged"), std::string::npos);
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace weir

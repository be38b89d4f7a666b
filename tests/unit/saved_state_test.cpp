// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "userspace/reconcile/state_store.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

SavedState state_of(std::uint64_t generation, std::vector<MeshFile> files) {
    return {generation, 1700000000, {"/etc/weir/mesh.d", std::move(files)}};
}

SavedState sample() {
    return state_of(7, {{"a.yaml", "services: {}\n"}, {"b.yaml", "\"quoted\" \xc3\xa4\n"}});
}

Result<FileText> sample_file(const std::string& saved_name) {
    for (const auto& file : sample().mesh.files)
        if (saved_file_name(file) == saved_name)
            return file.text;
    return fail("no such file");
}

TEST(SavedState, ComesBackAsItWas) {
    const auto state = decode_saved_state(encode_saved_state(sample()), sample_file);
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_EQ(state->generation, 7U);
    EXPECT_EQ(state->saved_at, 1700000000);
    EXPECT_EQ(state->mesh.directory, "/etc/weir/mesh.d");
    EXPECT_EQ(state->mesh.files, sample().mesh.files);
}

TEST(SavedState, RefusesDamage) {
    const auto text = encode_saved_state(sample());
    EXPECT_FALSE(decode_saved_state("", sample_file));
    EXPECT_FALSE(decode_saved_state("[]", sample_file));
    EXPECT_FALSE(decode_saved_state("{\"version\": 2}", sample_file));
    for (std::size_t length = 0; length + 2 < text.size(); length += 7)
        EXPECT_FALSE(decode_saved_state(text.substr(0, length), sample_file));
    EXPECT_FALSE(decode_saved_state(
        text, [](const std::string&) -> Result<FileText> { return FileText("other"); }));
    auto changed = text;
    changed.replace(changed.find("a.yaml"), 6, "../a.y");
    EXPECT_EQ(decode_saved_state(changed, sample_file).error().message,
              "one of its files has no name");
}

class Store : public testing::Test {
  protected:
    ~Store() override { fs::remove_all(directory_); }
    std::size_t texts() const {
        std::size_t count = 0;
        for (const auto& entry : fs::directory_iterator(saved_files_path(directory_)))
            count += entry.is_regular_file() ? 1 : 0;
        return count;
    }

    std::string directory_ = testing::TempDir() + "weir-state-" + std::to_string(::getpid());
};

TEST_F(Store, SavesWhatLoadsAgain) {
    EXPECT_EQ(load_state(directory_).error().code, ENOENT);
    StateStore store(directory_);
    ASSERT_TRUE(store.save(sample()));
    EXPECT_EQ(load_state(directory_)->mesh.files, sample().mesh.files);
    EXPECT_TRUE(sync_files(store.take_unsynced()));
    EXPECT_TRUE(store.take_unsynced().empty());
    std::ofstream(saved_state_path(directory_)) << "{";
    EXPECT_NE(load_state(directory_).error().message.find("is damaged"), std::string::npos);
}

TEST_F(Store, WritesATextOnce) {
    StateStore store(directory_);
    ASSERT_TRUE(store.save(state_of(1, {{"a.yaml", "1"}, {"b.yaml", "2"}})));
    store.take_unsynced();
    ASSERT_TRUE(store.save(state_of(2, {{"a.yaml", "1"}, {"b.yaml", "3"}})));
    EXPECT_EQ(store.take_unsynced().size(), 2U);  // b.yaml and last-good.json
}

TEST_F(Store, KeepsTheLastTenAndTheirTexts) {
    StateStore store(directory_);
    for (std::uint64_t n = 1; n <= 15; n++) {
        const auto state = state_of(n, {{"a.yaml", std::to_string(n)}, {"same.yaml", "x"}});
        ASSERT_TRUE(store.save(state));
        ASSERT_TRUE(store.remember(state));
        ASSERT_TRUE(store.remember(state));  // the same again is no new generation
    }
    const auto history = load_history(directory_);
    ASSERT_EQ(history->size(), kHistoryMost);
    EXPECT_EQ(history->front().generation, 6U);
    EXPECT_EQ(history->back().mesh.files[0].text.str(), "15");
    EXPECT_EQ(texts(), kHistoryMost + 1);
}

TEST_F(Store, GoesOnWhereItsPredecessorLeft) {
    const auto state = state_of(1, {{"a.yaml", "1"}});
    for (int start = 0; start < 3; start++) {
        StateStore store(directory_);
        ASSERT_TRUE(store.save(state));
        ASSERT_TRUE(store.remember(state));
        std::ofstream(saved_files_path(directory_) + "/0123-left.yaml") << "half";
    }
    EXPECT_EQ(load_history(directory_)->size(), 1U);
    StateStore store(directory_);
    ASSERT_TRUE(store.save(state));
    EXPECT_EQ(texts(), 1U);
}

TEST_F(Store, MendsATextThatWasCutOff) {
    const auto state = state_of(1, {{"a.yaml", "services: {}"}});
    ASSERT_TRUE(StateStore(directory_).save(state));
    fs::resize_file(saved_files_path(directory_) + "/" + saved_file_name(state.mesh.files[0]), 3);
    EXPECT_FALSE(load_state(directory_));
    ASSERT_TRUE(StateStore(directory_).save(state));
    EXPECT_TRUE(load_state(directory_));
}

TEST_F(Store, WritesAllAgainWhenSomebodyRemovedIt) {
    StateStore store(directory_);
    const auto state = state_of(1, {{"a.yaml", "1"}, {"b.yaml", "2"}});
    ASSERT_TRUE(store.save(state));
    ASSERT_TRUE(store.remember(state));
    fs::remove_all(directory_);
    ASSERT_TRUE(store.save(state_of(2, {{"a.yaml", "1"}, {"b.yaml", "3"}})));
    EXPECT_EQ(load_state(directory_)->generation, 2U);
    EXPECT_EQ(texts(), 2U);
}

}  // namespace
}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// Writes the saved state (saved_state.h) so that what it costs follows what changed: a text that
// is there is not written again, one that no state names any more is removed. What is written is
// safe from a crash of the agent at once, and from one of the machine after sync_files().
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "userspace/reconcile/saved_state.h"

namespace weir {

class StateStore {
  public:
    explicit StateStore(std::string directory) : directory_(std::move(directory)) {}

    // By new files and renames: a crash leaves the old or the new.
    Status save(const SavedState& state);
    // Adds to the history, unless its newest holds the same; forgets the oldest beyond
    // kHistoryMost.
    Status remember(const SavedState& state);
    // What was written since the last call.
    std::vector<std::string> take_unsynced() { return std::exchange(unsynced_, {}); }
    const std::string& directory() const { return directory_; }

  private:
    struct Kept {
        std::uint64_t generation = 0, digest = 0;
        std::vector<std::string> files;  // by saved name
    };
    void look();
    bool is_there(const std::string& saved_name, std::size_t size) const;
    Status write(const std::string& path, const std::string& text);
    Status write_texts(const SavedState& state);
    void hold(const std::vector<std::string>& files, int by);

    std::string directory_;
    std::uint64_t files_birth_ = 0;  // of the directory in which the texts of held_ are
    Kept last_;
    std::deque<Kept> history_;
    std::map<std::string, int> held_;  // saved names, by how many states name them
    std::vector<std::string> unsynced_;
};

// Waits for the disk; any thread.
Status sync_files(const std::vector<std::string>& paths);

}  // namespace weir

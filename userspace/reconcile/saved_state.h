// SPDX-License-Identifier: Apache-2.0
// The last good mesh, as it was written, kept beside the kernel's state: for a restart with a
// broken mesh directory, for a reboot, and for the names that `weir` shows while the agent is dead.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "maps/result.h"
#include "userspace/model/mesh_text.h"

namespace weir {

struct SavedState {
    std::uint64_t generation = 0;
    std::int64_t saved_at = 0;  // seconds since the epoch
    MeshText mesh;
};

// <state directory>/last-good.json
std::string saved_state_path(const std::string& directory);

std::string encode_saved_state(const SavedState& state);
// Refuses what is damaged, half written or of another version.
Result<SavedState> decode_saved_state(const std::string& text);

// By a new file and a rename: a crash leaves the old or the new.
Status save_state(const std::string& directory, const SavedState& state);
// code ENOENT: there is none yet.
Result<SavedState> load_state(const std::string& directory);

// The last good meshes, beside it: <state directory>/generations/<generation>.json.
inline constexpr std::size_t kHistoryMost = 10;
// Adds one, unless the newest holds the same; forgets the oldest beyond kHistoryMost.
Status add_to_history(const std::string& directory, const SavedState& state);
// Oldest first; what is damaged is left out. Empty: there are none.
Result<std::vector<SavedState>> load_history(const std::string& directory);

// All files of both kinds that there are, half written ones included; for removal.
std::vector<std::string> state_files(const std::string& directory);
// Removes the directories when nothing else is in them.
void remove_state_directories(const std::string& directory);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// The last good mesh, as it was written, kept beside the kernel's state: for a restart with a
// broken mesh directory, for a reboot, and for the names that `weir` shows while the agent is dead.
#pragma once

#include <cstdint>
#include <string>

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

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// The last good mesh, as it was written, kept beside the kernel's state: for a restart with a
// broken mesh directory, for a reboot, for `weir rollback`, and for the names that `weir` shows
// while the agent is dead. Here is the format and how it is read; state_store.h writes it.
//   <state directory>/last-good.json               names its files by their digests
//   <state directory>/generations/<generation>.json  the same, of the last good meshes
//   <state directory>/files/<digest>-<name>        the files' texts, each once
#pragma once

#include <cstdint>
#include <functional>
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

std::string saved_state_path(const std::string& directory);
std::string history_path(const std::string& directory, std::uint64_t generation);
std::string saved_files_path(const std::string& directory);
// Of a text, within <state directory>/files.
std::string saved_file_name(const MeshFile& file);

std::string encode_saved_state(const SavedState& state);
using ReadSavedFile = std::function<Result<FileText>(const std::string& saved_name)>;
// Refuses what is damaged, half written or of another version, the files included.
Result<SavedState> decode_saved_state(const std::string& text, const ReadSavedFile& read);

// code ENOENT: there is none yet.
Result<SavedState> load_state(const std::string& directory);

inline constexpr std::size_t kHistoryMost = 10;
// Oldest first; what is damaged is left out. Empty: there are none.
Result<std::vector<SavedState>> load_history(const std::string& directory);

// All files that there are, half written ones included; for removal.
std::vector<std::string> state_files(const std::string& directory);
// Removes the directories when nothing else is in them.
void remove_state_directories(const std::string& directory);

}  // namespace weir

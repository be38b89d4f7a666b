// SPDX-License-Identifier: Apache-2.0
// From the texts of all files to one mesh. Remembers the last one: a file that did not change is
// not parsed again, and what is in it is shared by both meshes. One thread at a time.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "userspace/model/conflicts.h"
#include "userspace/source/mesh_file.h"
#include "userspace/source/source.h"

namespace weir {

class MeshReader {
  public:
    Reading read(MeshText text);

  private:
    // By file name. On a command line a file may be named twice.
    using Fragments = std::multimap<std::string, std::shared_ptr<const MeshFragment>>;
    struct Change {
        std::vector<std::shared_ptr<const MeshFragment>> gone, come;
    };
    Change take_files(const MeshText& text);
    std::shared_ptr<Snapshot> snapshot_after(const Change& change) const;
    void find_conflicts(Diagnostics& found) const;

    std::string directory_;
    Fragments files_;
    Conflicts conflicts_;
    std::shared_ptr<const Snapshot> last_;  // of files_; null: it was not good
};

// One mesh by itself.
Reading read_mesh(MeshText text);

}  // namespace weir

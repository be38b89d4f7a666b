// SPDX-License-Identifier: Apache-2.0
// The mesh directory: its *.yaml files, read as one mesh, and the notice that something in it
// changed (also by an editor's rename, or a whole directory's symlink as Kubernetes swaps it).
#pragma once

#include <string>

#include "maps/fd.h"
#include "maps/result.h"
#include "userspace/source/mesh_reader.h"
#include "userspace/source/source.h"
#include "userspace/source/text_cache.h"

namespace weir {

// All files that count: *.yaml and *.yml, no hidden ones, in the order of their names.
Result<MeshText> read_mesh_text(const std::string& directory);

class MeshDir : public Source {
  public:
    explicit MeshDir(std::string directory) : directory_(std::move(directory)) {}
    Reading read() override;
    const std::string& directory() const { return directory_; }

  private:
    std::string directory_;
    TextCache texts_;
    MeshReader reader_;
};

// Readable when something changed. One watch follows one directory; when that goes away, alive()
// turns false and a new watch is needed.
class MeshDirWatch {
  public:
    static Result<MeshDirWatch> open(const std::string& directory);
    int fd() const { return fd_.get(); }
    // Takes what was reported; true when the mesh may have changed.
    bool drain();
    bool alive() const { return alive_; }

  private:
    MeshDirWatch(Fd fd, std::string directory)
        : fd_(std::move(fd)), directory_(std::move(directory)) {}
    bool is_complete(const char* name) const;

    Fd fd_;
    std::string directory_;
    bool alive_ = true;
};

}  // namespace weir

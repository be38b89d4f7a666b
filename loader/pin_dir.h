// SPDX-License-Identifier: Apache-2.0
// weir's directory under bpffs: <bpffs>/weir/v<ABI>/{maps,links}, mode 0700. What is pinned there
// outlives the agent. Whoever opens it for writing holds it alone (flock); an owner or a mode that
// is not ours is refused before anything in it is trusted.
#pragma once

#include <string>
#include <vector>

#include "maps/abi/base.h"
#include "maps/fd.h"
#include "maps/result.h"

namespace weir {

class PinDir {
  public:
    // The place, whether it exists or not.
    explicit PinDir(const std::string& bpffs, unsigned version = WEIR_ABI_VERSION);
    PinDir(PinDir&&) = default;
    PinDir& operator=(PinDir&&) = default;
    // Whoever claimed it and leaves it empty, such as a start that was refused, removes it.
    ~PinDir();

    bool exists() const;
    const std::string& root() const { return root_; }
    const std::string& bpffs() const { return bpffs_; }
    std::string maps() const { return root_ + "/maps"; }
    std::string links() const { return root_ + "/links"; }
    std::string map(const std::string& name) const { return maps() + "/" + name; }
    std::string link(const std::string& name) const { return links() + "/" + name; }

    // Makes the directory where it is missing and locks it. Exits 16 and 18.
    Status claim();
    // The ABI versions that have a directory there, this build's among them.
    static std::vector<unsigned> versions(const std::string& bpffs);
    // Why this build finds no pins here; for errors.
    std::string why_missing() const;
    // Names below maps/ or links/.
    static std::vector<std::string> names(const std::string& directory);
    // Removes what is left of the directory itself; pins must be gone.
    Status remove();

  private:
    std::string bpffs_, root_;
    Fd lock_;
};

}  // namespace weir

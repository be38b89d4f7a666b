// SPDX-License-Identifier: Apache-2.0
// Where the desired state comes from. A source gives whole snapshots; what it cannot read as a
// whole it reports, and gives none: nobody ever sees half a mesh.
#pragma once

#include <memory>

#include "userspace/model/mesh_text.h"
#include "userspace/model/origin.h"
#include "userspace/model/snapshot.h"

namespace weir {

struct Reading {
    std::shared_ptr<const Snapshot> snapshot;  // null: there are errors
    Diagnostics found;                         // errors, and warnings of a good snapshot
    MeshText text;
};

class Source {
  public:
    virtual ~Source() = default;
    // Everything as it is now. May take long; one thread at a time.
    virtual Reading read() = 0;
};

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// What moves from the tables of another build (before.h) into this one's, in two halves. Before the
// switch, when the other build's programs still run and none of ours does: the rows that user space
// writes. After it, when the other build's run no more: what its programs had counted, and the
// sockets they had steered. Each step may be done again from any point.
#pragma once

#include <optional>

#include "loader/before.h"
#include "loader/object.h"
#include "loader/pin_dir.h"
#include "maps/result.h"

namespace weir {

class Migration {
  public:
    // Both must outlive it. Our tables are pinned already.
    Migration(const Before& before, const PinDir& pins) : before_(before), pins_(pins) {}

    // Our tables get the rows of the others. While no program of ours is attached.
    Status write_rows() const;
    // Counts and sockets move. Once all hooks have our programs, with a grace period after that.
    Status take_over(const TableSizes& sizes, const ProgramSettings& settings) const;

  private:
    Result<Fd> open_ours(const std::string& table) const;
    Status copy_health() const;
    Status copy_rows(const std::string& table, std::uint64_t flags) const;
    Status copy_notes() const;
    Status take_sockets(const Object& object) const;
    Status merge(const Object& object, const std::string& table) const;
    Status merge_reasons(const Object& object) const;

    const Before& before_;
    const PinDir& pins_;
};

}  // namespace weir

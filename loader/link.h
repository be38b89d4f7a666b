// SPDX-License-Identifier: Apache-2.0
// The owner of one BPF link: made by attaching, or adopted from a pin. Closing a pinned link does
// not detach it; that is an explicit call.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <string>
#include <vector>

#include "maps/fd.h"
#include "maps/result.h"

namespace weir {

class Link {
  public:
    static Result<Link> attach_cgroup(int program, int cgroup, bpf_attach_type type);
    static Result<Link> attach_tracing(int program);
    static Result<Link> adopt(const std::string& pin);

    // The link goes on with another program; nothing is missed in between. Cgroup links only.
    Status update(int program);
    // Replaces what is pinned there, in one rename.
    Status pin(const std::string& path) const;
    // Completes a pin() that a killed process left between its two steps.
    static void finish_pin(const std::string& path);
    // Detaches what is pinned there, and removes the pin. None there is no error.
    static Status remove(const std::string& path);
    // Takes the program off its hook at once. Tracing links have no detach: theirs ends with the
    // last pin and descriptor, so this succeeds without effect for them.
    Status detach();

    std::uint32_t program_id() const { return program_id_; }
    // Of the cgroup a cgroup link is attached at; 0 once that cgroup is gone or it was detached.
    std::uint64_t cgroup_id() const { return cgroup_id_; }

    // Asks the kernel again for what follows.
    Status refresh();

  private:
    explicit Link(Fd fd) : fd_(std::move(fd)) {}

    Fd fd_;
    std::uint32_t program_id_ = 0;
    std::uint64_t cgroup_id_ = 0;
};

// Ids and names of the programs attached at a cgroup for one hook, and the flags they were
// attached with. Names need CAP_SYS_ADMIN and are empty without.
struct AttachedProgram {
    std::uint32_t id = 0;
    std::string name;
};
struct AttachedPrograms {
    std::vector<AttachedProgram> programs;
    std::uint32_t flags = 0;
};
Result<AttachedPrograms> attached_programs(int cgroup, bpf_attach_type type);

}  // namespace weir

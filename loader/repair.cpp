// SPDX-License-Identifier: Apache-2.0
// What others take away while the agent lives: links are detached, pins or all of bpffs removed,
// the cgroup removed and made again. The agent holds tables, programs and links by descriptor, so
// that only what was really detached is missing for traffic.
#include <bpf/bpf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "loader/data_plane.h"
#include "loader/machine.h"

namespace weir {
namespace {

bool is_there(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

bool holds(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

// bpffs was mounted anew, or somebody removed the directory.
Status DataPlane::mend_pin_dir() {
    if (is_there(pins_.maps()) && is_there(pins_.links()))
        return {};
    WEIR_CHECK(check_bpffs(pins_.bpffs()));
    return pins_.claim();
}

// The same path may be another cgroup by now.
Status DataPlane::mend_cgroup() {
    struct stat stat{};
    if (::stat(cgroup_path_.c_str(), &stat) != 0)
        return fail_errno("nothing is steered, since the cgroup " + cgroup_path_ + " is gone",
                          errno);
    return stat.st_ino == cgroup_id_ ? Status() : open_cgroup();
}

Result<bool> DataPlane::mend_link(const Object& object, const Hook& hook, bool is_pinned) {
    const auto link = links_.find(hook.program);
    const bool held = link != links_.end();
    if (held)
        WEIR_CHECK(link->second.refresh());
    const bool attached =
        held && (hook.kind == Hook::Kind::kTracing || link->second.cgroup_id() == cgroup_id_);
    if (!attached) {
        WEIR_CHECK(attach_new(object, hook));
        return true;
    }
    if (is_pinned)
        return false;
    WEIR_CHECK(link->second.pin(pins_.link(hook.program)));
    return true;
}

Result<int> DataPlane::repair() {
    int repaired = 0;
    WEIR_CHECK(mend_pin_dir());
    WEIR_CHECK(mend_cgroup());
    // Two listings, once a second, instead of a question for each of a hundred pins.
    auto maps = PinDir::names(pins_.maps());
    const auto links = PinDir::names(pins_.links());
    if (!holds(maps, kLayoutTable)) {
        if (bpf_obj_pin(layout_.get(), pins_.map(kLayoutTable).c_str()))
            return fail_errno("cannot pin " + pins_.map(kLayoutTable), errno);
        repaired++;
    }
    for (const auto& object : objects_) {
        WEIR_TRY(const int pinned, object.pin_missing(pins_, maps));
        repaired += pinned;
        for (const auto& hook : object.hooks()) {
            if (!settings_.wants(hook))
                continue;
            WEIR_TRY(const bool mended, mend_link(object, hook, holds(links, hook.program)));
            repaired += mended ? 1 : 0;
        }
    }
    return repaired;
}

}  // namespace weir

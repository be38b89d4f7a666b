// SPDX-License-Identifier: Apache-2.0
#include "loader/data_plane.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "loader/exit_codes.h"
#include "loader/foreign.h"

namespace weir {

AgentPrograms DataPlane::agent_programs() const {
    AgentPrograms programs;
    for (const auto& object : objects_) {
        if (object.feature() == "identity")
            programs.resolve = object.program("weir_resolve");
        if (object.feature() == "observe")
            programs.fold = object.program("weir_fold");
    }
    return programs;
}

Status DataPlane::load_features(const TableSizes& sizes) {
    WEIR_TRY(Object identity, open_identity());
    FeatureState state{"identity", true, ""};
    if (auto loaded = identity.load(pins_, sizes); !loaded) {
        if (loaded.error().exit_code != kExitFailed)
            return loaded;
        // A kernel may refuse tracing programs (lockdown); steering must not depend on them.
        WEIR_TRY(identity, open_identity());
        identity.drop_tracing();
        WEIR_CHECK(identity.load(pins_, sizes));
        state.complete = false;
        state.lost =
            "cgroups made while the agent is away have their nearest known ancestor's "
            "identity: " +
            loaded.error().message;
    }
    features_.push_back(std::move(state));
    objects_.push_back(std::move(identity));
    WEIR_TRY(Object steer, open_steer());
    WEIR_CHECK(steer.load(pins_, sizes));
    features_.push_back({"steer", true, ""});
    objects_.push_back(std::move(steer));
    WEIR_TRY(Object observe, open_observe());
    WEIR_CHECK(observe.load(pins_, sizes));
    features_.push_back({"observe", true, ""});
    objects_.push_back(std::move(observe));
    return {};
}

Status DataPlane::attach_new(const Object& object, const Hook& hook) {
    const int program = object.program(hook.program);
    if (hook.kind == Hook::Kind::kTracing) {
        WEIR_TRY(const Link link, Link::attach_tracing(program));
        return link.pin(pins_.link(hook.program));
    }
    WEIR_CHECK(refuse_second_weir(cgroup_.get(), cgroup_path_, hook));
    auto link = Link::attach_cgroup(program, cgroup_.get(), hook.type);
    if (!link)
        return explain_refused_attach(link.error(), cgroup_path_, hook);
    return link->pin(pins_.link(hook.program));
}

Status DataPlane::attach(const Object& object, const Hook& hook) {
    Link::finish_pin(pins_.link(hook.program));
    auto pinned = Link::adopt(pins_.link(hook.program));
    if (!pinned && pinned.error().code != ENOENT)
        return tl::unexpected(pinned.error());
    if (!pinned || hook.kind == Hook::Kind::kTracing)
        return attach_new(object, hook);
    if (pinned->cgroup_id() == 0) {  // detached by somebody, or its cgroup was removed
        ::unlink(pins_.link(hook.program).c_str());
        return attach_new(object, hook);
    }
    if (pinned->cgroup_id() != cgroup_id_)
        return fail_exit(kExitForeignPins,
                         "the pinned link " + pins_.link(hook.program) +
                             " is attached at another cgroup than " + cgroup_path_ +
                             ": start with the --cgroup of before, or run `weir uninstall` first");
    return pinned->update(object.program(hook.program));
}

Result<DataPlane> DataPlane::start(const std::string& bpffs, const std::string& cgroup,
                                   const TableSizes& sizes) {
    capture_libbpf_messages();
    DataPlane plane(bpffs);
    plane.cgroup_path_ = cgroup;
    plane.cgroup_ = Fd(::open(cgroup.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat stat{};
    if (!plane.cgroup_ || ::fstat(plane.cgroup_.get(), &stat))
        return fail_errno("cannot open the cgroup " + cgroup, errno);
    plane.cgroup_id_ = stat.st_ino;
    WEIR_CHECK(plane.pins_.claim());
    WEIR_CHECK(plane.load_features(sizes));
    for (const auto& object : plane.objects_)
        for (const auto& hook : object.hooks())
            if (auto attached = plane.attach(object, hook); !attached)
                return fail_with(attached.error(), hook.program);
    return plane;
}

Result<int> DataPlane::repair() {
    int repaired = 0;
    for (const auto& object : objects_) {
        for (const auto& hook : object.hooks()) {
            const auto pinned = Link::adopt(pins_.link(hook.program));
            const bool cgroup_link = hook.kind == Hook::Kind::kCgroup;
            if (pinned && (!cgroup_link || pinned->cgroup_id() == cgroup_id_))
                continue;
            ::unlink(pins_.link(hook.program).c_str());
            WEIR_CHECK(attach_new(object, hook));
            repaired++;
        }
    }
    return repaired;
}

std::vector<LinkState> pinned_links(const PinDir& pins) {
    std::vector<LinkState> states;
    for (const auto& name : PinDir::names(pins.links())) {
        LinkState state{name, false, 0, 0};
        if (const auto link = Link::adopt(pins.link(name))) {
            state.program_id = link->program_id();
            state.cgroup_id = link->cgroup_id();
            state.attached = is_tracing_hook(name) || link->cgroup_id() != 0;
        }
        states.push_back(std::move(state));
    }
    return states;
}

}  // namespace weir

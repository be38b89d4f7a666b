// SPDX-License-Identifier: Apache-2.0
#include "loader/data_plane.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "loader/exit_codes.h"
#include "loader/foreign.h"
#include "loader/migration.h"
#include "loader/socket_tables.h"
#include "maps/grace.h"

namespace weir {

AgentPrograms DataPlane::agent_programs() const {
    AgentPrograms programs;
    for (const auto& object : objects_) {
        if (object.feature() == "identity")
            programs.resolve = object.program("weir_resolve");
        if (object.feature() == "observe") {
            programs.fold = object.program("weir_fold");
            programs.sweep = socket_iterator(object, "weir_sweep", "weir_sock");
            programs.lists = socket_lists(object);
        }
    }
    return programs;
}

DataPlane::~DataPlane() {
    if (!cgroup_ || kept_)
        return;
    const auto was_there = [this](const std::string& pin) {
        return std::find(found_.begin(), found_.end(), pin) != found_.end();
    };
    auto links = PinDir::names(pins_.links());
    std::reverse(links.begin(), links.end());
    for (const auto& name : links)
        if (!was_there(pins_.link(name)))
            (void)Link::remove(pins_.link(name));
    for (const auto& name : PinDir::names(pins_.maps()))
        if (!was_there(pins_.map(name)))
            ::unlink(pins_.map(name).c_str());
}

Result<DataPlane> DataPlane::claim(const std::string& bpffs, const std::string& cgroup) {
    capture_libbpf_messages();
    DataPlane plane(bpffs);
    WEIR_CHECK(plane.pins_.claim());
    WEIR_TRY(plane.before_, Before::find(bpffs));
    // Tables that an earlier start made and no program of ours has seen: made anew from the
    // other's.
    if (plane.before_ && PinDir::names(plane.pins_.links()).empty())
        for (const auto& name : PinDir::names(plane.pins_.maps()))
            ::unlink(plane.pins_.map(name).c_str());
    for (const auto& name : PinDir::names(plane.pins_.links()))
        plane.found_.push_back(plane.pins_.link(name));
    for (const auto& name : PinDir::names(plane.pins_.maps()))
        plane.found_.push_back(plane.pins_.map(name));
    plane.cgroup_path_ = cgroup;
    WEIR_CHECK(plane.open_cgroup());
    return plane;
}

Status DataPlane::open_cgroup() {
    Fd cgroup(::open(cgroup_path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat stat{};
    if (!cgroup || ::fstat(cgroup.get(), &stat))
        return fail_errno("cannot open the cgroup " + cgroup_path_, errno);
    cgroup_ = std::move(cgroup);
    cgroup_id_ = stat.st_ino;
    return {};
}

// A kernel may refuse tracing programs (lockdown); steering must not depend on them. `lost`: what
// is missing without.
Result<Object> DataPlane::load_with_tracing(const std::function<Result<Object>()>& open,
                                            const char* lost, const TableSizes& sizes,
                                            const Before* before) {
    auto loaded = load_with_iterators(open, pins_, sizes, before);
    if (loaded || loaded.error().exit_code != kExitFailed) {
        if (loaded)
            features_.push_back({loaded->feature(), true, ""});
        return loaded;
    }
    WEIR_TRY(Object object, open());
    object.drop_iterators();
    if (object.load(pins_, sizes, before)) {
        features_.push_back({object.feature(), false,
                             "open connections are not listed, and what they move is counted when "
                             "they end: " +
                                 loaded.error().message});
        return object;
    }
    WEIR_TRY(object, open());
    object.drop_tracing();
    WEIR_CHECK(object.load(pins_, sizes, before));
    features_.push_back(
        {object.feature(), false, std::string(lost) + ": " + loaded.error().message});
    return object;
}

Status DataPlane::load_objects(const TableSizes& sizes, const ProgramSettings& settings,
                               const Before* before) {
    features_.clear();
    std::vector<Object> loaded;
    WEIR_TRY(Object identity,
             load_with_tracing(open_identity,
                               "cgroups made while the agent is away have their nearest known "
                               "ancestor's identity",
                               sizes, before));
    loaded.push_back(std::move(identity));
    WEIR_TRY(Object steer, open_steer(settings, before));
    WEIR_CHECK(steer.load(pins_, sizes, before));
    features_.push_back({steer.feature(), true, ""});
    loaded.push_back(std::move(steer));
    WEIR_TRY(Object observe,
             load_with_tracing(
                 [&] { return open_observe(settings, before); },
                 "no time to the first byte is taken, open connections are not listed, and ICMP "
                 "says nothing of endpoints of UDP services",
                 sizes, before));
    loaded.push_back(std::move(observe));
    objects_ = std::move(loaded);
    return {};
}

Status DataPlane::load(const TableSizes& sizes, const ProgramSettings& settings) {
    sizes_ = sizes;
    settings_ = settings;
    settings_.datagrams = counted_datagrams();
    WEIR_TRY(const Object declared, open_identity());
    WEIR_TRY(Object sockets, open_identity());
    WEIR_CHECK(refuse_other_layout(pins_, declared.object()));
    if (before_)
        WEIR_CHECK(before_->compare(declared.object()));
    const auto charged =
        make_socket_tables(std::move(sockets), pins_, before_ ? &*before_ : nullptr);
    WEIR_CHECK(load_objects(sizes, settings, before_ ? &*before_ : nullptr));
    if (!charged.empty())
        features_.push_back({"memory", false,
                             "what is remembered of open connections is charged to the agent's "
                             "memory cgroup, whose limit may end the agent: " +
                                 charged});
    // With a link of ours, an earlier start has got beyond this.
    if (before_ && PinDir::names(pins_.links()).empty())
        WEIR_CHECK(Migration(*before_, pins_).write_rows());
    WEIR_TRY(layout_, pin_layout(pins_, declared.object()));
    return {};
}

Result<Link> DataPlane::make_link(int program, const Hook& hook) const {
    if (hook.kind == Hook::Kind::kTracing)
        return Link::attach_tracing(program);
    WEIR_CHECK(refuse_second_weir(cgroup_.get(), cgroup_path_, hook));
    auto link = Link::attach_cgroup(program, cgroup_.get(), hook.type);
    if (!link)
        return tl::unexpected(explain_refused_attach(link.error(), cgroup_path_, hook).error());
    return link;
}

Status DataPlane::attach_new(const Object& object, const Hook& hook) {
    WEIR_TRY(Link link, make_link(object.program(hook.program), hook));
    WEIR_CHECK(link.pin(pins_.link(hook.program)));
    links_.insert_or_assign(hook.program, std::move(link));
    return {};
}

// Not one that was detached, or whose cgroup is gone.
Status DataPlane::refuse_other_cgroup(const Link& link, const std::string& pin) const {
    if (link.cgroup_id() == 0 || link.cgroup_id() == cgroup_id_)
        return {};
    return fail_exit(kExitForeignPins,
                     "the pinned link " + pin + " is attached at another cgroup than " +
                         cgroup_path_ +
                         ": start with the --cgroup of before, or run `weir uninstall` first");
}

// The other build's link becomes ours before it gets our program: whoever finds none of our links
// knows that no program of ours has run.
Status DataPlane::take_link(const Hook& hook) {
    const std::string from = before_->pins().link(hook.program), to = pins_.link(hook.program);
    if (hook.kind == Hook::Kind::kTracing || ::access(to.c_str(), F_OK) == 0)
        return {};
    Link::finish_pin(from);
    if (const auto link = Link::adopt(from))
        WEIR_CHECK(refuse_other_cgroup(*link, from));
    if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT)
        return fail_errno("cannot move " + from + " to " + to, errno);
    kept_ = true;  // from here on a start that fails must leave what there is
    return {};
}

Status DataPlane::attach(const Object& object, const Hook& hook) {
    if (before_)
        WEIR_CHECK(take_link(hook));
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
    WEIR_CHECK(refuse_other_cgroup(*pinned, pins_.link(hook.program)));
    WEIR_CHECK(pinned->update(object.program(hook.program)));
    links_.insert_or_assign(hook.program, std::move(*pinned));
    return {};
}

Status DataPlane::attach_all() {
    for (const auto& object : objects_)
        for (const auto& hook : object.hooks())
            if (settings_.wants(hook))
                if (auto attached = attach(object, hook); !attached)
                    return fail_with(attached.error(), hook.program);
    for (const auto& hook : kHooks)  // of an agent before, which had other settings
        if (!settings_.wants(hook))
            WEIR_CHECK(Link::remove(pins_.link(hook.program)));
    return {};
}

// Whether an agent before did, also one of another build: it goes on until the mesh says otherwise.
bool DataPlane::counted_datagrams() const {
    const auto is_pinned = [](const PinDir& pins, const Hook& hook) {
        return ::access(pins.link(hook.program).c_str(), F_OK) == 0;
    };
    return std::any_of(kHooks.begin(), kHooks.end(), [&](const Hook& hook) {
        return hook.what == Hook::For::kDatagrams &&
               (is_pinned(pins_, hook) || (before_ && is_pinned(before_->pins(), hook)));
    });
}

Status DataPlane::count_datagrams(bool wanted) {
    if (settings_.datagrams == wanted)
        return {};
    for (const auto& object : objects_)
        for (const auto& hook : object.hooks()) {
            if (hook.what != Hook::For::kDatagrams)
                continue;
            if (wanted) {
                WEIR_CHECK(attach(object, hook));
            } else {
                WEIR_CHECK(Link::remove(pins_.link(hook.program)));
                links_.erase(hook.program);
            }
        }
    settings_.datagrams = wanted;
    return {};
}

// All hooks have our programs; those of the other build may be in the middle of their last run.
Status DataPlane::finish_takeover() {
    wait_for_grace_period();
    WEIR_CHECK(Migration(*before_, pins_).take_over(sizes_, settings_));
    WEIR_CHECK(load_objects(sizes_, settings_, nullptr));
    Before before = std::move(*before_);
    before_.reset();
    WEIR_CHECK(attach_all());
    return before.remove();
}

Status DataPlane::attach() {
    WEIR_CHECK(attach_all());
    return before_ ? finish_takeover() : Status();
}

std::vector<LinkState> pinned_links(const PinDir& pins) {
    const auto pinned = PinDir::names(pins.links());
    std::set<std::string> names(pinned.begin(), pinned.end());
    for (const auto& hook : kHooks)
        if (hook.what == Hook::For::kAlways)  // the rest is listed where it is pinned
            names.insert(hook.program);
    std::vector<LinkState> states;
    for (const auto& name : names) {
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

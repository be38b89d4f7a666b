// SPDX-License-Identifier: Apache-2.0
#include "loader/link.h"

#include <bpf/bpf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

namespace weir {
namespace {

constexpr const char* kFreshSuffix = "_new";  // bpffs reserves dots in names

}  // namespace

Status Link::refresh() {
    bpf_link_info info{};
    __u32 size = sizeof(info);
    if (bpf_obj_get_info_by_fd(fd_.get(), &info, &size))
        return fail_errno("cannot ask the kernel about a link", errno);
    program_id_ = info.prog_id;
    cgroup_id_ = info.type == BPF_LINK_TYPE_CGROUP ? info.cgroup.cgroup_id : 0;
    return {};
}

Result<Link> Link::attach_cgroup(int program, int cgroup, bpf_attach_type type) {
    Link link(Fd(bpf_link_create(program, cgroup, type, nullptr)));
    if (!link.fd_)
        return fail_errno("cannot attach to the cgroup", errno);
    WEIR_CHECK(link.refresh());
    return link;
}

Result<Link> Link::attach_tracing(int program) {
    Link link(Fd(bpf_raw_tracepoint_open(nullptr, program)));
    if (!link.fd_)
        return fail_errno("cannot attach to the tracepoint", errno);
    WEIR_CHECK(link.refresh());
    return link;
}

Result<Link> Link::adopt(const std::string& pin) {
    Link link(Fd(bpf_obj_get(pin.c_str())));
    if (!link.fd_)
        return fail_errno("cannot open " + pin, errno);
    WEIR_CHECK(link.refresh());
    return link;
}

Status Link::update(int program) {
    if (bpf_link_update(fd_.get(), program, nullptr))
        return fail_errno("cannot update the link", errno);
    return refresh();
}

void Link::finish_pin(const std::string& path) {
    if (::access(path.c_str(), F_OK) == 0 ||
        ::rename((path + kFreshSuffix).c_str(), path.c_str()) != 0)
        ::unlink((path + kFreshSuffix).c_str());
}

Status Link::remove(const std::string& path) {
    auto link = adopt(path);
    if (!link && link.error().code == ENOENT)
        return {};
    if (link)
        WEIR_CHECK(link->detach());
    if (::unlink(path.c_str()) && errno != ENOENT)
        return fail_errno("cannot remove " + path, errno);
    return {};
}

Status Link::pin(const std::string& path) const {
    const std::string fresh = path + kFreshSuffix;
    ::unlink(fresh.c_str());  // left by an agent that ended between the two steps
    if (bpf_obj_pin(fd_.get(), fresh.c_str()))
        return fail_errno("cannot pin " + fresh, errno);
    if (::rename(fresh.c_str(), path.c_str()))
        return fail_errno("cannot rename " + fresh, errno);
    return {};
}

Status Link::detach() {
    if (bpf_link_detach(fd_.get()) && errno != EOPNOTSUPP)
        return fail_errno("cannot detach the link", errno);
    return {};
}

Result<AttachedPrograms> attached_programs(int cgroup, bpf_attach_type type) {
    std::array<__u32, 64> ids{};
    __u32 count = ids.size(), flags = 0;
    if (bpf_prog_query(cgroup, type, 0, &flags, ids.data(), &count))
        return fail_errno("cannot ask which programs are attached", errno);
    AttachedPrograms found;
    found.flags = flags;
    for (std::size_t i = 0; i < count && i < ids.size(); i++) {
        AttachedProgram program{ids.at(i), ""};
        const Fd fd(bpf_prog_get_fd_by_id(program.id));
        bpf_prog_info info{};
        __u32 size = sizeof(info);
        if (fd && bpf_obj_get_info_by_fd(fd.get(), &info, &size) == 0)
            program.name = info.name;
        found.programs.push_back(std::move(program));
    }
    return found;
}

}  // namespace weir

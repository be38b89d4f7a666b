// SPDX-License-Identifier: Apache-2.0
#include "loader/iterators.h"

#include <bpf/bpf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "loader/exit_codes.h"
#include "maps/fd.h"

namespace weir {
namespace {

// The inode of the first pid namespace's file: PROC_PID_INIT_INO, the same on every kernel.
constexpr ino_t kFirstPidNamespace = 0xEFFFFFFCU;

bool sees_all_tasks() {
    struct stat stat{};
    return ::stat("/proc/self/ns/pid", &stat) == 0 && stat.st_ino == kFirstPidNamespace;
}

}  // namespace

SocketIterator socket_iterator(const Object& object, const std::string& program,
                               const std::string& table) {
    if (const int over_table = object.program(program); over_table >= 0)
        return {over_table, object.table(table)};
    return {object.program(program + "_fd"), -1};
}

Result<Object> load_with_iterators(const std::function<Result<Object>()>& open, const PinDir& pins,
                                   const TableSizes& sizes, const Before* before) {
    WEIR_TRY(Object over_table, open());
    over_table.drop_section("iter/task_file");
    const auto loaded = over_table.load(pins, sizes, before);
    if (loaded)
        return over_table;
    if (loaded.error().exit_code != kExitFailed || !sees_all_tasks())
        return tl::unexpected(loaded.error());
    WEIR_TRY(Object over_files, open());
    over_files.drop_section("iter/bpf_sk_storage_map");
    if (!over_files.load(pins, sizes, before))
        return tl::unexpected(loaded.error());
    return over_files;
}

Result<std::vector<char>> read_iterator(const SocketIterator& over, const std::string& what) {
    bpf_iter_link_info target{};
    target.map.map_fd = static_cast<__u32>(over.table);
    LIBBPF_OPTS(bpf_link_create_opts, options);
    if (over.table >= 0) {
        options.iter_info = &target;
        options.iter_info_len = sizeof(target);
    }
    const Fd link(bpf_link_create(over.program, 0, BPF_TRACE_ITER, &options));
    const Fd iterator(link ? bpf_iter_create(link.get()) : -1);
    if (!iterator)
        return fail_errno("cannot " + what, errno);
    std::vector<char> text;
    std::array<char, 16384> part{};
    ssize_t got = 0;
    while ((got = ::read(iterator.get(), part.data(), part.size())) > 0 ||
           (got < 0 && (errno == EAGAIN || errno == EINTR)))
        if (got > 0)
            text.insert(text.end(), part.data(), part.data() + got);
    if (got < 0)
        return fail_errno("cannot " + what, errno);
    return text;
}

Status run_iterator(const SocketIterator& iterator, const std::string& what) {
    WEIR_TRY(const auto nothing, read_iterator(iterator, what));
    (void)nothing;
    return {};
}

}  // namespace weir

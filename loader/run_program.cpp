// SPDX-License-Identifier: Apache-2.0
#include "loader/run_program.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "maps/fd.h"

namespace weir {

Status run_program(int program, const void* request, std::uint32_t size, const std::string& what) {
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = request;
    options.data_size_in = size;
    options.repeat = 1;
    if (bpf_prog_test_run_opts(program, &options))
        return fail_errno("cannot " + what, errno);
    if (options.retval != 0)
        return fail("cannot " + what + ": the kernel program refused the request");
    return {};
}

Result<std::vector<char>> read_iterator(int program, int table, const std::string& what) {
    bpf_iter_link_info target{};
    target.map.map_fd = static_cast<__u32>(table);
    LIBBPF_OPTS(bpf_link_create_opts, options);
    options.iter_info = &target;
    options.iter_info_len = sizeof(target);
    const Fd link(bpf_link_create(program, 0, BPF_TRACE_ITER, &options));
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

Status run_iterator(int program, int table, const std::string& what) {
    WEIR_TRY(const auto nothing, read_iterator(program, table, what));
    (void)nothing;
    return {};
}

}  // namespace weir

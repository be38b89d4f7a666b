// SPDX-License-Identifier: Apache-2.0
#include "loader/iterators.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <cerrno>

#include "loader/exit_codes.h"
#include "loader/network_namespaces.h"
#include "maps/fd.h"

namespace weir {
namespace {

// `table` below 0: it goes over the sockets of this thread's network namespace.
Status read_one(int program, int table, const std::string& what, std::vector<char>& text) {
    bpf_iter_link_info target{};
    target.map.map_fd = static_cast<__u32>(table);
    LIBBPF_OPTS(bpf_link_create_opts, options);
    if (table >= 0) {
        options.iter_info = &target;
        options.iter_info_len = sizeof(target);
    }
    const Fd link(bpf_link_create(program, 0, BPF_TRACE_ITER, &options));
    const Fd iterator(link ? bpf_iter_create(link.get()) : -1);
    if (!iterator)
        return fail_errno("cannot " + what, errno);
    std::array<char, 16384> part{};
    ssize_t got = 0;
    while ((got = ::read(iterator.get(), part.data(), part.size())) > 0 ||
           (got < 0 && (errno == EAGAIN || errno == EINTR)))
        if (got > 0)
            text.insert(text.end(), part.data(), part.data() + got);
    return got < 0 ? fail_errno("cannot " + what, errno) : Status();
}

}  // namespace

SocketIterator socket_iterator(const Object& object, const std::string& program,
                               const std::string& table) {
    return {object.program(program),
            object.table(table),
            {object.program(program + "_tcp"), object.program(program + "_udp")}};
}

Result<Object> load_with_iterators(const std::function<Result<Object>()>& open, const PinDir& pins,
                                   const TableSizes& sizes, const Before* before) {
    WEIR_TRY(Object over_table, open());
    over_table.drop_section("iter/tcp");
    over_table.drop_section("iter/udp");
    const auto loaded = over_table.load(pins, sizes, before);
    if (loaded)
        return over_table;
    if (loaded.error().exit_code != kExitFailed || !can_enter_all_network_namespaces())
        return tl::unexpected(loaded.error());
    WEIR_TRY(Object in_namespaces, open());
    in_namespaces.drop_section("iter/bpf_sk_storage_map");
    if (!in_namespaces.load(pins, sizes, before))
        return tl::unexpected(loaded.error());
    return in_namespaces;
}

Result<std::vector<char>> read_iterator(const SocketIterator& iterator, const std::string& what) {
    std::vector<char> text;
    if (iterator.over_table >= 0) {
        WEIR_CHECK(read_one(iterator.over_table, iterator.table, what, text));
        return text;
    }
    WEIR_CHECK(in_each_network_namespace([&]() -> Status {
        for (const int program : iterator.in_namespace)
            if (program >= 0)
                WEIR_CHECK(read_one(program, -1, what, text));
        return {};
    }));
    return text;
}

Status run_iterator(const SocketIterator& iterator, const std::string& what) {
    WEIR_TRY(const auto nothing, read_iterator(iterator, what));
    (void)nothing;
    return {};
}

}  // namespace weir

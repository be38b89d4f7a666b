// SPDX-License-Identifier: Apache-2.0
// Iterators over sockets (bpf/each_socket.bpf.h): each is there in two kinds, and this picks the
// one that the kernel takes, and runs it. Over the table of sockets where it may; some hardened
// kernels refuse such iterators, then over the sockets of each network namespace that a task is in.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "loader/object.h"
#include "maps/result.h"

namespace weir {

// Descriptors, owned by others; negative: not there.
struct SocketIterator {
    int over_table = -1, table = -1;
    std::array<int, 2> in_namespace{-1, -1};  // over TCP sockets, over UDP sockets

    bool is_loaded() const {
        return over_table >= 0 || in_namespace[0] >= 0 || in_namespace[1] >= 0;
    }
};

// `program` by the name of the kind that goes over `table`.
SocketIterator socket_iterator(const Object& object, const std::string& program,
                               const std::string& table);

// Loads what `open` opens with the one kind, or with the other. Where both are refused, or this
// process may not enter all namespaces, the error is that of the first kind.
Result<Object> load_with_iterators(const std::function<Result<Object>()>& open, const PinDir& pins,
                                   const TableSizes& sizes, const Before* before);

// Runs it to its end; what it writes.
Result<std::vector<char>> read_iterator(const SocketIterator& iterator, const std::string& what);
// The same, of one that writes nothing.
Status run_iterator(const SocketIterator& iterator, const std::string& what);

}  // namespace weir

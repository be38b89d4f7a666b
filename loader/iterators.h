// SPDX-License-Identifier: Apache-2.0
// Iterators over sockets (bpf/each_socket.bpf.h): each is there twice, and this picks the kind that
// the kernel takes, and runs it. Over the table of sockets where it may; some hardened kernels
// refuse such iterators, then over all tasks' descriptors.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "loader/object.h"
#include "maps/result.h"

namespace weir {

// Descriptors, owned by others. `table` -1: it goes over descriptors of tasks.
struct SocketIterator {
    int program = -1, table = -1;
};

// `program` by the name of the kind that goes over `table`; program -1: neither is loaded.
SocketIterator socket_iterator(const Object& object, const std::string& program,
                               const std::string& table);

// Loads what `open` opens with the one kind, or with the other. Where both are refused, or tasks
// of others cannot be seen from this process's namespace, the error is that of the first kind.
Result<Object> load_with_iterators(const std::function<Result<Object>()>& open, const PinDir& pins,
                                   const TableSizes& sizes, const Before* before);

// Runs it to its end; what it writes.
Result<std::vector<char>> read_iterator(const SocketIterator& iterator, const std::string& what);
// The same, of one that writes nothing.
Status run_iterator(const SocketIterator& iterator, const std::string& what);

}  // namespace weir

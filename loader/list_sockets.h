// SPDX-License-Identifier: Apache-2.0
// Which connections and flows there are now: runs the programs that list them, which leave nothing
// behind. For the agent, and for whoever asks without one.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "loader/iterators.h"
#include "maps/result.h"

namespace weir {

using SocketLists = std::array<SocketIterator, 2>;  // connections, and flows of unconnected sockets

SocketLists socket_lists(const Object& observe);
// One weir_event after the other.
Result<std::vector<char>> list_sockets(const SocketLists& lists);
// Without an agent: loads the programs beside the pinned tables, which must be those of this build.
// Root.
Result<std::vector<char>> list_sockets(const std::string& bpffs);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include "loader/list_sockets.h"

#include "loader/before.h"
#include "loader/pin_dir.h"

namespace weir {

SocketLists socket_lists(const Object& observe) {
    return {socket_iterator(observe, "weir_list", "weir_sock"),
            socket_iterator(observe, "weir_flows", "weir_udp_sock")};
}

Result<std::vector<char>> list_sockets(const SocketLists& lists) {
    std::vector<char> all;
    for (const auto& list : lists) {
        if (!list.is_loaded())
            return fail("the kernel refused a program that lists connections: see `weir status`");
        WEIR_TRY(const auto rows, read_iterator(list, "list the open connections"));
        all.insert(all.end(), rows.begin(), rows.end());
    }
    return all;
}

Result<std::vector<char>> list_sockets(const std::string& bpffs) {
    capture_libbpf_messages();
    const PinDir pins(bpffs);
    const auto open = [&]() -> Result<Object> {
        WEIR_TRY(Object object, open_observe({}, nullptr));
        WEIR_CHECK(refuse_other_layout(pins, object.object()));
        for (const char* other : {"weir_first_byte", "weir_sweep", "weir_sweep_tcp", "weir_fold",
                                  "weir_egress", "weir_ingress"})
            object.drop(other);
        return object;
    };
    WEIR_TRY(const Object object, load_with_iterators(open, pins, {}, nullptr));
    return list_sockets(socket_lists(object));
}

}  // namespace weir

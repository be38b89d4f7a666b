// SPDX-License-Identifier: Apache-2.0
#include "loader/list_sockets.h"

#include "loader/before.h"
#include "loader/pin_dir.h"
#include "loader/run_program.h"

namespace weir {

SocketLists socket_lists(const Object& observe) {
    return {{{observe.program("weir_list"), observe.table("weir_sock")},
             {observe.program("weir_list_flows"), observe.table("weir_udp_sock")}}};
}

Result<std::vector<char>> list_sockets(const SocketLists& lists) {
    std::vector<char> all;
    for (const auto& [program, table] : lists) {
        if (program < 0)
            return fail("the kernel refused a program that lists connections: see `weir status`");
        WEIR_TRY(const auto rows, read_iterator(program, table, "list the open connections"));
        all.insert(all.end(), rows.begin(), rows.end());
    }
    return all;
}

Result<std::vector<char>> list_sockets(const std::string& bpffs) {
    capture_libbpf_messages();
    const PinDir pins(bpffs);
    WEIR_TRY(Object object, open_observe({}, nullptr));
    WEIR_CHECK(refuse_other_layout(pins, object.object()));
    for (const char* other :
         {"weir_first_byte", "weir_sweep", "weir_fold", "weir_egress", "weir_ingress"})
        object.drop(other);
    WEIR_CHECK(object.load(pins, {}));
    return list_sockets(socket_lists(object));
}

}  // namespace weir

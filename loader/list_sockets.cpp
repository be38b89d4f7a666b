// SPDX-License-Identifier: Apache-2.0
#include "loader/list_sockets.h"

#include "loader/before.h"
#include "loader/object.h"
#include "loader/pin_dir.h"
#include "loader/run_program.h"

namespace weir {

Result<std::vector<char>> list_sockets(const std::string& bpffs) {
    capture_libbpf_messages();
    const PinDir pins(bpffs);
    WEIR_TRY(Object object, open_observe({}, nullptr));
    WEIR_CHECK(refuse_other_layout(pins, object.object()));
    for (const char* other :
         {"weir_first_byte", "weir_sweep", "weir_fold", "weir_egress", "weir_ingress"})
        object.drop(other);
    WEIR_CHECK(object.load(pins, {}));
    return read_iterator(object.program("weir_list"), object.table("weir_sock"),
                         "list the open connections");
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/mode.h"

#include "bpf/core/mode.h"
#include "maps/clock.h"

namespace weir {

Mode mode_in_force(const Tables& tables, std::optional<std::uint32_t> row, Mode service,
                   Mode workload) {
    const auto load = MmapArray<weir_node>::load_word;
    const auto& node = tables.node[0];
    const auto modes = weir_mode_of_all(static_cast<__u32>(load(node.mode)),
                                        static_cast<__u32>(service), static_cast<__u32>(workload));
    const auto service_off = row ? load(tables.svc_port[*row].off_until_ns) : 0;
    return static_cast<Mode>(
        weir_mode_in_force(load(node.off_until_ns), service_off, monotonic_ns(), modes));
}

}  // namespace weir

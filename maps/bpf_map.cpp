// SPDX-License-Identifier: Apache-2.0
#include "maps/bpf_map.h"

namespace weir {

Result<MapInfo> map_info(int fd) {
    bpf_map_info raw{};
    __u32 size = sizeof(raw);
    if (bpf_obj_get_info_by_fd(fd, &raw, &size))
        return fail_errno("cannot ask the kernel about a map", errno);
    return MapInfo{raw.name,        raw.type,      raw.key_size, raw.value_size,
                   raw.max_entries, raw.map_flags, raw.id};
}

}  // namespace weir

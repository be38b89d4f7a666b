// SPDX-License-Identifier: Apache-2.0
#include "maps/raw_rows.h"

#include <vector>

#include "maps/bpf_map.h"

namespace weir {

Status for_each_row(int table,
                    const std::function<Status(const char* key, const char* value)>& each) {
    WEIR_TRY(const MapInfo info, map_info(table));
    std::size_t room = 1024;
    std::vector<char> keys, values;
    // The place to go on from: a bucket's number, or, in other kinds of tables, a key.
    std::vector<char> token(std::max<std::size_t>(info.key_size, sizeof(__u32)));
    void* from = nullptr;
    for (bool more = true; more;) {
        keys.resize(room * info.key_size);
        values.resize(room * info.value_size);
        auto count = static_cast<__u32>(room);
        const int failed = bpf_map_lookup_batch(table, from, token.data(), keys.data(),
                                                values.data(), &count, nullptr);
        if (failed != 0 && errno == ENOSPC) {  // a bucket has more rows than there is room for
            room *= 2;
            continue;
        }
        more = failed == 0;
        if (!more && errno != ENOENT)
            return fail_errno("cannot list table " + info.name, errno);
        for (std::size_t i = 0; i < count; i++)
            WEIR_CHECK(each(&keys[i * info.key_size], &values[i * info.value_size]));
        from = token.data();
    }
    return {};
}

}  // namespace weir

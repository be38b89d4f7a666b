// SPDX-License-Identifier: Apache-2.0
// Typed access to one BPF map through its descriptor: what the syscall can do, with errors as
// values. Knows no order between maps and holds no rows.
#pragma once

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "maps/fd.h"
#include "maps/result.h"

namespace weir {

// What the kernel says of a map.
struct MapInfo {
    std::string name;
    std::uint32_t type = 0, key_size = 0, value_size = 0, max_entries = 0, flags = 0, id = 0;
};
Result<MapInfo> map_info(int fd);

template <typename K, typename V>
class BpfMap {
    static_assert(std::has_unique_object_representations_v<K>, "a map key has no hidden padding");
    static_assert(std::is_trivially_copyable_v<V>);

  public:
    BpfMap() = default;
    BpfMap(Fd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}

    int fd() const { return fd_.get(); }
    const std::string& name() const { return name_; }

    // nullopt: no such key.
    Result<std::optional<V>> find(const K& key) const {
        V value{};
        if (bpf_map_lookup_elem(fd_.get(), &key, &value) == 0)
            return std::optional<V>(value);
        if (errno == ENOENT)
            return std::optional<V>();
        return fail_errno("cannot read table " + name_, errno);
    }

    // `flags`: BPF_ANY, BPF_NOEXIST or BPF_EXIST. A full hash answers E2BIG, which is said plainly.
    Status put(const K& key, const V& value, std::uint64_t flags = BPF_ANY) {
        if (bpf_map_update_elem(fd_.get(), &key, &value, flags) == 0)
            return {};
        if (errno == E2BIG || errno == ENOSPC)
            return fail("table " + name_ + " is full", E2BIG);
        return fail_errno("cannot write table " + name_, errno);
    }

    // A key that is not there is no error.
    Status erase(const K& key) {
        if (bpf_map_delete_elem(fd_.get(), &key) == 0 || errno == ENOENT)
            return {};
        return fail_errno("cannot delete from table " + name_, errno);
    }

    // All keys as of some moment during the call; rows that come and go meanwhile may be missed.
    Result<std::vector<K>> keys() const {
        std::vector<K> all;
        K key{};
        const K* previous = nullptr;
        while (bpf_map_get_next_key(fd_.get(), previous, &key) == 0) {
            all.push_back(key);
            previous = &key;
        }
        if (errno != ENOENT)
            return fail_errno("cannot list table " + name_, errno);
        return all;
    }

    // All rows, many in one call; of hash tables and the like. Rows that come and go meanwhile may
    // be missed.
    Result<std::vector<std::pair<K, V>>> rows() const {
        std::vector<std::pair<K, V>> all;
        std::vector<K> keys(1024);
        std::vector<V> values(keys.size());
        std::uint32_t token = 0;
        const std::uint32_t* from = nullptr;
        for (bool more = true; more; from = &token) {
            auto count = static_cast<std::uint32_t>(keys.size());
            const int failed =
                bpf_map_lookup_batch(fd_.get(), const_cast<std::uint32_t*>(from), &token,
                                     keys.data(), values.data(), &count, nullptr);
            if (failed != 0 && errno == ENOSPC) {  // a bucket has more rows than there is room for
                keys.resize(keys.size() * 2);
                values.resize(keys.size());
                continue;
            }
            more = failed == 0;
            if (!more && errno != ENOENT)
                return fail_errno("cannot list table " + name_, errno);
            for (std::uint32_t i = 0; i < count; i++)
                all.emplace_back(keys[i], values[i]);
        }
        return all;
    }

  private:
    Fd fd_;
    std::string name_;
};

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// An mmapable BPF array as rows in memory. A plain store to a row can be seen half done: rows are
// written only while no program can reach them, and made visible by store_word on another word.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "maps/bpf_map.h"

namespace weir {

template <typename Row>
class MmapArray {
    static_assert(sizeof(Row) % 8 == 0, "the kernel rounds rows up to 8 bytes");

  public:
    MmapArray() = default;
    MmapArray(MmapArray&& other) noexcept { *this = std::move(other); }
    MmapArray& operator=(MmapArray&& other) noexcept {
        std::swap(fd_, other.fd_);
        std::swap(rows_, other.rows_);
        std::swap(size_, other.size_);
        return *this;
    }
    MmapArray(const MmapArray&) = delete;
    MmapArray& operator=(const MmapArray&) = delete;
    ~MmapArray() {
        if (rows_ != nullptr)
            ::munmap(rows_, bytes(size_));
    }

    static Result<MmapArray> map(Fd fd, bool writable) {
        WEIR_TRY(const MapInfo info, map_info(fd.get()));
        const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
        void* rows = ::mmap(nullptr, bytes(info.max_entries), protection, MAP_SHARED, fd.get(), 0);
        if (rows == MAP_FAILED)
            return fail_errno("cannot map table " + info.name + " into memory", errno);
        MmapArray array;
        array.fd_ = std::move(fd);
        array.rows_ = static_cast<Row*>(rows);
        array.size_ = info.max_entries;
        return array;
    }

    std::uint32_t size() const { return size_; }
    int fd() const { return fd_.get(); }
    Row& operator[](std::uint32_t index) { return rows_[index]; }
    const Row& operator[](std::uint32_t index) const { return rows_[index]; }

    // One aligned 8-byte store, after everything written before it.
    static void store_word(__u64& word, std::uint64_t value) {
        std::atomic_ref<__u64>(word).store(value, std::memory_order_release);
    }
    static std::uint64_t load_word(const __u64& word) {
        return std::atomic_ref<__u64>(const_cast<__u64&>(word)).load(std::memory_order_acquire);
    }

  private:
    static std::size_t bytes(std::uint32_t rows) { return std::size_t{rows} * sizeof(Row); }

    Fd fd_;
    Row* rows_ = nullptr;
    std::uint32_t size_ = 0;
};

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// One row of an mmapable BPF array in memory, for a few aligned stores: mapping the whole table
// would count all of it as the process's memory.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "maps/bpf_map.h"

namespace weir {

template <typename Row>
class MappedRow {
  public:
    // `table`: a descriptor opened for writing. Errors: no such row, or the kernel's own.
    static Result<MappedRow> map(int table, std::uint32_t index) {
        WEIR_TRY(const MapInfo info, map_info(table));
        if (index >= info.max_entries)
            return fail("row " + std::to_string(index) + " is beyond table " + info.name);
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        const std::size_t at = std::size_t{index} * sizeof(Row), first = at / page * page;
        MappedRow row;
        row.size_ = (at + sizeof(Row) - first + page - 1) / page * page;
        row.pages_ = ::mmap(nullptr, row.size_, PROT_READ | PROT_WRITE, MAP_SHARED, table,
                            static_cast<off_t>(first));
        if (row.pages_ == MAP_FAILED)
            return fail_errno("cannot map a row of table " + info.name + " into memory", errno);
        row.row_ = reinterpret_cast<Row*>(static_cast<char*>(row.pages_) + (at - first));
        return row;
    }
    MappedRow(MappedRow&& other) noexcept { *this = std::move(other); }
    MappedRow& operator=(MappedRow&& other) noexcept {
        std::swap(pages_, other.pages_);
        std::swap(size_, other.size_);
        std::swap(row_, other.row_);
        return *this;
    }
    MappedRow(const MappedRow&) = delete;
    MappedRow& operator=(const MappedRow&) = delete;
    ~MappedRow() {
        if (row_ != nullptr)
            ::munmap(pages_, size_);
    }

    Row* operator->() { return row_; }

  private:
    MappedRow() = default;

    void* pages_ = nullptr;
    std::size_t size_ = 0;
    Row* row_ = nullptr;
};

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// The reading end of the ring of events, as the kernel lays a BPF ring buffer out
// (kernel/bpf/ringbuf.c, the ABI that libbpf relies on too). Done here since a reader must be able
// to look without taking: that is what `weir` does while the agent is dead. Wakes and waits for
// nobody.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "maps/result.h"

namespace weir {

class EventRing {
  public:
    EventRing() = default;
    // `fd`: of the map, which the caller keeps open or not. For writing where events are taken.
    static Result<EventRing> map(int fd, bool takes);
    EventRing(EventRing&& other) noexcept;
    EventRing& operator=(EventRing&& other) noexcept;
    ~EventRing();

    using Reader = std::function<void(std::span<const std::byte>)>;
    // Gives all that is there to `reader`, in the order of production, and makes room. One process
    // only may take; at most `most` records, 0 = no limit. How many it was.
    std::size_t take(const Reader& reader, std::size_t most = 0);
    // The same, and everything stays.
    std::size_t look(const Reader& reader) const;
    explicit operator bool() const { return consumer_ != nullptr; }

  private:
    std::span<const std::byte> whole(const std::byte* data, unsigned long at, std::size_t length,
                                     std::vector<std::byte>& joined) const;
    std::size_t walk(const Reader& reader, std::size_t most, bool take) const;

    std::size_t bytes_ = 0;                // of the data, a power of two
    unsigned long* consumer_ = nullptr;    // a page of its own
    const std::byte* producer_ = nullptr;  // a page, then the data
};

}  // namespace weir

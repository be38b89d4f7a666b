// SPDX-License-Identifier: Apache-2.0
// The reading end of the ring of events, as the kernel lays a BPF ring buffer out
// (kernel/bpf/ringbuf.c, the ABI that libbpf relies on too). Done here since a reader must be able
// to look without taking: that is what `weir` does while the agent is dead. Wakes and waits for
// nobody.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "maps/abi/event.h"
#include "maps/result.h"

namespace weir {

class EventRing {
  public:
    // `fd`: of the map, which the caller keeps open or not. For writing where events are taken.
    static Result<EventRing> map(int fd, bool takes);
    EventRing(EventRing&& other) noexcept;
    EventRing& operator=(EventRing&& other) noexcept;
    ~EventRing();

    // nullptr: an event of a build with another ABI version.
    using Reader = std::function<void(const weir_event*)>;
    // Gives all that is there to `reader`, in the order of production, and makes room. One process
    // only may take; at most `most` events. How many it was.
    std::size_t take(const Reader& reader, std::size_t most) { return walk(reader, most, true); }
    // All, and everything stays.
    void look(const Reader& reader) const { walk(reader, SIZE_MAX, false); }

  private:
    EventRing() = default;
    weir_event copy(unsigned long at, std::size_t length) const;
    std::size_t walk(const Reader& reader, std::size_t most, bool take) const;

    std::size_t bytes_ = 0;                // of the data, a power of two
    unsigned long* consumer_ = nullptr;    // a page of its own
    const std::byte* producer_ = nullptr;  // a page, then the data
};

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include "maps/event_ring.h"

#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "maps/bpf_map.h"

namespace weir {
namespace {

std::size_t page_size() {
    return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

constexpr std::size_t round_up(std::size_t bytes) {
    return (bytes + 7) / 8 * 8;
}

}  // namespace

Result<EventRing> EventRing::map(int fd, bool takes) {
    WEIR_TRY(const MapInfo info, map_info(fd));
    EventRing ring;
    ring.bytes_ = info.max_entries;
    const int protection = takes ? PROT_READ | PROT_WRITE : PROT_READ;
    void* consumer = ::mmap(nullptr, page_size(), protection, MAP_SHARED, fd, 0);
    if (consumer == MAP_FAILED)
        return fail_errno("cannot map the ring of events", errno);
    ring.consumer_ = static_cast<unsigned long*>(consumer);
    void* producer = ::mmap(nullptr, page_size() + ring.bytes_, PROT_READ, MAP_SHARED, fd,
                            static_cast<off_t>(page_size()));
    if (producer == MAP_FAILED)
        return fail_errno("cannot map the data of the ring of events", errno);
    ring.producer_ = static_cast<const std::byte*>(producer);
    return ring;
}

EventRing::EventRing(EventRing&& other) noexcept
    : bytes_(other.bytes_),
      consumer_(std::exchange(other.consumer_, nullptr)),
      producer_(std::exchange(other.producer_, nullptr)) {}

EventRing& EventRing::operator=(EventRing&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(consumer_, other.consumer_);
    std::swap(producer_, other.producer_);
    return *this;
}

EventRing::~EventRing() {
    if (consumer_ != nullptr)
        ::munmap(consumer_, page_size());
    if (producer_ != nullptr)
        ::munmap(const_cast<std::byte*>(producer_), page_size() + bytes_);
}

// What is at a place that only grows; it may go on at the ring's start.
weir_event EventRing::copy(unsigned long at, std::size_t length) const {
    weir_event event{};
    const std::byte* data = producer_ + page_size();
    const std::size_t start = at & (bytes_ - 1), whole = std::min(length, sizeof(event)),
                      first = std::min(whole, bytes_ - start);
    std::memcpy(&event, data + start, first);
    std::memcpy(reinterpret_cast<std::byte*>(&event) + first, data, whole - first);
    return event;
}

// Records have a header of eight bytes, whose first word is the length and two flags. One that is
// still being written (busy) ends the walk; what comes behind it is read the next time.
std::size_t EventRing::walk(const Reader& reader, std::size_t most, bool take) const {
    const auto* produced = reinterpret_cast<const unsigned long*>(producer_);
    const std::byte* data = producer_ + page_size();
    unsigned long at = __atomic_load_n(consumer_, __ATOMIC_ACQUIRE);
    const unsigned long end = __atomic_load_n(produced, __ATOMIC_ACQUIRE);
    std::size_t count = 0;
    while (at < end && count < most) {
        const auto* record = data + (at & (bytes_ - 1));
        const auto header =
            __atomic_load_n(reinterpret_cast<const std::uint32_t*>(record), __ATOMIC_ACQUIRE);
        if ((header & BPF_RINGBUF_BUSY_BIT) != 0)
            break;
        const std::size_t length = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
        if (at + round_up(length + BPF_RINGBUF_HDR_SZ) > end)
            break;  // somebody else has taken it, and it was written over
        if ((header & BPF_RINGBUF_DISCARD_BIT) == 0) {
            const weir_event event = copy(at + BPF_RINGBUF_HDR_SZ, length);
            reader(length >= sizeof(event) && event.abi == WEIR_ABI_VERSION ? &event : nullptr);
            count++;
        }
        at += round_up(length + BPF_RINGBUF_HDR_SZ);
        if (take)
            __atomic_store_n(consumer_, at, __ATOMIC_RELEASE);
    }
    return count;
}

}  // namespace weir

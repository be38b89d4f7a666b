// SPDX-License-Identifier: Apache-2.0
// Both ends of datagrams, for the bench.
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <vector>

#include "peer.h"

namespace peer {
namespace {

constexpr std::size_t kDatagram = 64;

}  // namespace

int serve_udp(const Options& options) {
    const auto address = target(options);
    const int fd = socket(address.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(fd, address.get(), address.size) != 0)
        die("bind " + get(options, "address", ""));
    std::puts("ready");
    std::fflush(stdout);
    std::array<char, 65536> buffer{};
    for (;;) {
        sockaddr_storage from{};
        socklen_t size = sizeof(from);
        auto* source = reinterpret_cast<sockaddr*>(&from);
        const auto length = recvfrom(fd, buffer.data(), buffer.size(), 0, source, &size);
        if (length >= 0)
            sendto(fd, buffer.data(), static_cast<std::size_t>(length), 0, source, size);
    }
}

int bench_udp(const Options& options) {
    const auto address = target(options);
    const bool connected = get_number(options, "connected", 0) != 0;
    const int fd = socket(address.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const timeval second{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
    if (connected && connect(fd, address.get(), address.size) != 0)
        die("connect");
    const auto end =
        now_ns() + static_cast<std::uint64_t>(get_number(options, "ms", 500)) * 1000000U;
    std::array<char, kDatagram> buffer{};
    std::vector<std::uint64_t> times;
    std::uint64_t errors = 0;
    while (now_ns() < end) {
        const auto started = now_ns();
        sockaddr_storage from{};
        socklen_t size = sizeof(from);
        const auto sent =
            connected ? send(fd, buffer.data(), buffer.size(), 0)
                      : sendto(fd, buffer.data(), buffer.size(), 0, address.get(), address.size);
        const auto got = recvfrom(fd, buffer.data(), buffer.size(), 0,
                                  reinterpret_cast<sockaddr*>(&from), &size);
        if (sent == kDatagram && got == kDatagram)
            times.push_back(now_ns() - started);
        else
            errors++;
    }
    print_times(times, errors);
    return 0;
}

}  // namespace peer

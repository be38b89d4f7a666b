// SPDX-License-Identifier: Apache-2.0
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include "peer.h"

namespace peer {
namespace {

int listen_on(const Options& options) {
    const auto address =
        make_address(get(options, "address", ""), static_cast<int>(get_number(options, "port", 0)));
    const int fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, address.get(), address.size) != 0 || listen(fd, 4096) != 0)
        die("listen on " + get(options, "address", ""));
    return fd;
}

}  // namespace

int serve(const Options& options) {
    const int listener = listen_on(options);
    const std::string greeting = get(options, "name", "");
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    const int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    const auto watch = [&](int fd) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    };
    watch(listener);
    watch(signal_fd);
    std::uint64_t accepted = 0;
    std::array<epoll_event, 256> events{};
    std::array<char, 65536> buffer{};
    std::puts("ready");
    std::fflush(stdout);
    for (;;) {
        const int count = epoll_wait(epoll, events.data(), events.size(), -1);
        for (int i = 0; i < count; i++) {
            const int fd = events.at(static_cast<std::size_t>(i)).data.fd;
            if (fd == signal_fd) {
                std::printf("{\"accepted\": %llu}\n", static_cast<unsigned long long>(accepted));
                return 0;
            }
            if (fd == listener) {
                for (int client; (client = accept4(listener, nullptr, nullptr,
                                                   SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
                    accepted++;
                    if (!greeting.empty()) {
                        const std::string line = greeting + "\n";
                        if (send(client, line.data(), line.size(), MSG_NOSIGNAL) < 0) {
                            close(client);
                            continue;
                        }
                    }
                    watch(client);
                }
                continue;
            }
            const auto length = read(fd, buffer.data(), buffer.size());
            if (length < 0 && errno == EAGAIN)
                continue;
            if (length <= 0 ||
                send(fd, buffer.data(), static_cast<std::size_t>(length), MSG_NOSIGNAL) < 0)
                close(fd);
        }
    }
}

}  // namespace peer

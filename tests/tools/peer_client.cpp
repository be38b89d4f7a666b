// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include "peer.h"

namespace peer {
namespace {

std::atomic<bool> stopped{false};
void stop(int) {
    stopped = true;
}

void stop_on_sigterm() {
    struct sigaction action{};
    action.sa_handler = stop;
    sigaction(SIGTERM, &action, nullptr);
}

// The greeting, without its newline; empty: the connection ended, errno says how (0: in order).
std::string read_greeting(int fd) {
    std::string line;
    char byte = 0;
    for (;;) {
        const auto length = recv(fd, &byte, 1, 0);
        if (length == 0)
            errno = 0;
        if (length <= 0)
            return "";
        if (byte == '\n')
            return line;
        line += byte;
    }
}

void close_at_once(int fd) {
    const linger off{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
    close(fd);
}

struct Tally {
    std::map<std::string, std::uint64_t> greeted, errors;
    std::uint64_t wrong_peer = 0;
};

void add(Tally& sum, const Tally& part) {
    for (const auto& [name, count] : part.greeted)
        sum.greeted[name] += count;
    for (const auto& [name, count] : part.errors)
        sum.errors[name] += count;
    sum.wrong_peer += part.wrong_peer;
}

std::string as_json(const std::map<std::string, std::uint64_t>& counts) {
    std::string text = "{";
    for (const auto& [name, count] : counts)
        text += (text.size() > 1 ? ", " : "") + ("\"" + name + "\": ") + std::to_string(count);
    return text + "}";
}

Tally connect_many(const Options& options, long count) {
    const auto address = target(options);
    const bool reset = get(options, "close", "reset") == "reset";
    const bool check_peer = get_number(options, "check-peer", 1) != 0;
    const std::string wanted = to_text(address.storage);
    Tally tally;
    for (long i = 0; i < count && !stopped; i++) {
        const int fd = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
            die("socket");
        if (connect(fd, address.get(), address.size) != 0) {
            tally.errors[strerrorname_np(errno)]++;
            close(fd);
            continue;
        }
        sockaddr_storage peer{};
        socklen_t size = sizeof(peer);
        if (check_peer && getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
            to_text(peer) != wanted)
            tally.wrong_peer++;
        const auto name = read_greeting(fd);
        if (name.empty())
            tally.errors[errno == 0 ? "EOF" : strerrorname_np(errno)]++;
        else
            tally.greeted[name]++;
        reset ? close_at_once(fd) : static_cast<void>(close(fd));
    }
    return tally;
}

}  // namespace

int connects(const Options& options) {
    stop_on_sigterm();
    const long count = get_number(options, "count", 1), threads = get_number(options, "threads", 1);
    std::mutex mutex;
    Tally sum;
    std::vector<std::thread> running;
    for (long t = 0; t < threads; t++)
        running.emplace_back([&, t] {
            const auto part =
                connect_many(options, count / threads + (t < count % threads ? 1 : 0));
            const std::lock_guard lock(mutex);
            add(sum, part);
        });
    for (auto& thread : running)
        thread.join();
    std::printf("{\"greeted\": %s, \"errors\": %s, \"wrong_peer\": %llu}\n",
                as_json(sum.greeted).c_str(), as_json(sum.errors).c_str(),
                static_cast<unsigned long long>(sum.wrong_peer));
    return 0;
}

// --family 4|6 --v6only 1 --bind ADDR --mptcp 1 --nonblock 1 --repeat 1 --abandon MS --reuse ADDR:…
int probe(const Options& options) {
    auto address = target(options);
    const int protocol = get_number(options, "mptcp", 0) != 0 ? IPPROTO_MPTCP : 0;
    const int fd = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, protocol);
    if (fd < 0)
        die("socket");
    const int one = 1;
    if (get_number(options, "v6only", 0) != 0)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (const auto bound = get(options, "bind", ""); !bound.empty()) {
        const auto local = make_address(bound, 0);
        if (bind(fd, local.get(), local.size) != 0)
            die("bind");
    }
    const long abandon_ms = get_number(options, "abandon", -1);
    if (abandon_ms >= 0)
        fcntl(fd, F_SETFL, O_NONBLOCK);
    const auto started = now_ns();
    int failed = connect(fd, address.get(), address.size) == 0 ? 0 : errno;
    for (long i = 0; failed != 0 && failed != EINPROGRESS && i < get_number(options, "again", 0);
         i++)
        failed = connect(fd, address.get(), address.size) == 0 ? 0 : errno;
    const auto connect_us = (now_ns() - started) / 1000;
    if (abandon_ms >= 0)
        usleep(static_cast<useconds_t>(abandon_ms * 1000));
    if (const auto then = get(options, "then", ""); !then.empty()) {  // the same socket elsewhere
        if (failed == 0) {
            sockaddr unspecified{};
            unspecified.sa_family = AF_UNSPEC;
            connect(fd, &unspecified, sizeof(unspecified));
        }
        address = make_address(then, static_cast<int>(get_number(options, "then-port", 0)));
        failed = connect(fd, address.get(), address.size) == 0 ? 0 : errno;
    }
    sockaddr_storage peer{};
    socklen_t size = sizeof(peer);
    const bool has_peer = getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
    const auto greeting = failed == 0 ? read_greeting(fd) : "";
    std::printf(
        "{\"errno\": \"%s\", \"peer\": \"%s\", \"greeting\": \"%s\", \"connect_us\": %llu}\n",
        failed == 0 ? "" : strerrorname_np(failed), has_peer ? to_text(peer).c_str() : "",
        greeting.c_str(), static_cast<unsigned long long>(connect_us));
    std::fflush(stdout);
    close(fd);
    return 0;
}

namespace {

struct Held {
    std::atomic<std::uint64_t> echoes = 0, errors = 0, longest = 0;
};

// One byte there and back, again and again.
void echo(int fd, useconds_t pause, Held& held) {
    while (!stopped) {
        const auto sent = now_ns();
        char byte = 'x';
        if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1 || recv(fd, &byte, 1, 0) != 1) {
            held.errors += stopped ? 0 : 1;
            return;
        }
        const auto took = now_ns() - sent;
        for (auto longest = held.longest.load(); took > longest;)
            if (held.longest.compare_exchange_weak(longest, took))
                break;
        held.echoes++;
        usleep(pause);
    }
}

}  // namespace

int hold(const Options& options) {
    stop_on_sigterm();
    const auto address = target(options);
    std::vector<int> sockets;
    std::string name;
    for (long i = get_number(options, "count", 1); i > 0; i--) {
        sockets.push_back(socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (connect(sockets.back(), address.get(), address.size) != 0)
            die("connect");
        name = read_greeting(sockets.back());
    }
    std::printf("holding %s\n", name.c_str());
    std::fflush(stdout);
    const auto pause = static_cast<useconds_t>(get_number(options, "interval", 100) * 1000);
    Held held;
    std::vector<std::thread> threads;
    threads.reserve(sockets.size());
    for (const int fd : sockets)
        threads.emplace_back([fd, pause, &held] { echo(fd, pause, held); });
    for (auto& thread : threads)
        thread.join();
    std::printf("{\"echoes\": %llu, \"errors\": %llu, \"longest_us\": %llu}\n",
                static_cast<unsigned long long>(held.echoes),
                static_cast<unsigned long long>(held.errors),
                static_cast<unsigned long long>(held.longest / 1000));
    return held.errors == 0 ? 0 : 1;
}

int hold_many(const Options& options) {
    stop_on_sigterm();
    const auto address = target(options);
    const long count = get_number(options, "count", 1);
    for (long i = 0; i < count; i++) {
        const int fd = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, address.get(), address.size) != 0)
            die("connect");
    }
    std::puts("holding");
    std::fflush(stdout);
    while (!stopped)
        pause();
    return 0;
}

namespace {

bool round_trip(int fd) {
    std::array<char, 64> buffer{};
    if (send(fd, buffer.data(), buffer.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(buffer.size()))
        return false;
    for (std::size_t got = 0; got < buffer.size();) {
        const auto length = recv(fd, buffer.data(), buffer.size() - got, 0);
        if (length <= 0)
            return false;
        got += static_cast<std::size_t>(length);
    }
    return true;
}

}  // namespace

int bench_connect(const Options& options) {
    const auto address = target(options);
    const auto end =
        now_ns() + static_cast<std::uint64_t>(get_number(options, "ms", 500)) * 1000000U;
    std::vector<std::uint64_t> times;
    std::uint64_t errors = 0;
    const int one = 1;
    while (now_ns() < end) {
        const int fd = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        const auto started = now_ns();
        const bool connected = connect(fd, address.get(), address.size) == 0;
        const auto took = now_ns() - started;
        if (connected && round_trip(fd))
            times.push_back(took);
        else
            errors++;
        close_at_once(fd);
    }
    print_times(times, errors);
    return 0;
}

int bench_rr(const Options& options) {
    const auto address = target(options);
    const int fd = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, address.get(), address.size) != 0)
        die("connect");
    for (int i = 0; i < 200; i++)
        round_trip(fd);
    const auto end =
        now_ns() + static_cast<std::uint64_t>(get_number(options, "ms", 500)) * 1000000U;
    std::vector<std::uint64_t> times;
    std::uint64_t errors = 0;
    while (now_ns() < end && errors == 0) {
        const auto started = now_ns();
        if (round_trip(fd))
            times.push_back(now_ns() - started);
        else
            errors++;
    }
    print_times(times, errors);
    return 0;
}

}  // namespace peer

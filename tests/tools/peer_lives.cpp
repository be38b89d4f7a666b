// SPDX-License-Identifier: Apache-2.0
// lives: connections that begin and end in all the ways that programs have, at random, and a tally
// of what they asked for and what they wrote and read.
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <new>
#include <random>

#include "peer.h"

namespace peer {
namespace {

// In memory that children share, whatever ends them.
struct Tally {
    std::atomic<std::uint64_t> clean{0}, dirty{0}, refused{0}, nowhere{0};  // connects
    std::atomic<std::uint64_t> sent{0}, received{0};                        // on clean ones
    std::atomic<std::uint64_t> dirty_written{0};
    std::atomic<std::uint64_t> unexpected{0};  // errors where none is due
};

class Lives {
  public:
    Lives(const Options& options, Tally& tally, unsigned seed)
        : text_(get(options, "address", "")),
          port_(static_cast<int>(get_number(options, "port", 0))),
          tally_(tally),
          random_(seed) {}

    void live_one();

  private:
    static constexpr int kDirty = 1, kRefused = 2, kNowhere = 3;  // ports after the clean one

    int make(int type = 0, int protocol = 0) const {
        const int fd = socket(make_address(text_, port_).family(),
                              SOCK_STREAM | SOCK_CLOEXEC | type, protocol);
        if (fd < 0)
            die("socket");
        return fd;
    }
    int connect_to(int fd, int kind) {
        const auto address = make_address(text_, port_ + kind);
        const std::array counters{&tally_.clean, &tally_.dirty, &tally_.refused, &tally_.nowhere};
        (*counters.at(static_cast<std::size_t>(kind)))++;
        return connect(fd, address.get(), address.size);
    }
    void expect(bool well) {
        if (!well)
            tally_.unexpected++;
    }
    void talk(int fd);
    void plain(int type, int protocol);
    void duplicated();
    void forked();
    void not_blocking();
    void connected_twice();
    void used_again();
    void half_closed();
    void cut_off(bool with_data);
    void killed();
    void abandoned();
    void refused(int kind);

    std::string text_;
    int port_;
    Tally& tally_;
    std::minstd_rand random_;
    std::array<char, 20000> buffer_{};
};

// The server's greeting, then some bytes there and back.
void Lives::talk(int fd) {
    const std::size_t size = 1 + random_() % buffer_.size();
    char byte = 0;
    while (recv(fd, &byte, 1, 0) == 1) {
        tally_.received++;
        if (byte == '\n')
            break;
    }
    expect(byte == '\n');
    const auto sent = send(fd, buffer_.data(), size, MSG_NOSIGNAL);
    expect(sent == static_cast<ssize_t>(size));
    tally_.sent += static_cast<std::uint64_t>(std::max<ssize_t>(sent, 0));
    for (std::size_t got = 0; got < size;) {
        const auto length = recv(fd, buffer_.data(), size - got, 0);
        if (length <= 0) {
            expect(false);
            return;
        }
        got += static_cast<std::size_t>(length);
        tally_.received += static_cast<std::uint64_t>(length);
    }
}

void Lives::plain(int type, int protocol) {
    const int fd = make(type, protocol);
    expect(connect_to(fd, 0) == 0);
    talk(fd);
    close(fd);
}

void Lives::duplicated() {
    const int fd = make();
    expect(connect_to(fd, 0) == 0);
    const int other = dup(fd);
    close(fd);
    talk(other);
    close(other);
}

void Lives::forked() {
    const int fd = make();
    expect(connect_to(fd, 0) == 0);
    if (const pid_t child = fork(); child == 0) {
        talk(fd);
        _exit(0);
    } else {
        close(fd);
        waitpid(child, nullptr, 0);
    }
}

void Lives::not_blocking() {
    const int fd = make(SOCK_NONBLOCK);
    expect(connect_to(fd, 0) == 0 || errno == EINPROGRESS);
    pollfd ready{fd, POLLOUT, 0};
    poll(&ready, 1, 10000);
    const int off = 0;
    expect(ioctl(fd, FIONBIO, &off) == 0);
    talk(fd);
    close(fd);
}

void Lives::connected_twice() {
    const int fd = make();
    expect(connect_to(fd, 0) == 0);
    const auto address = make_address(text_, port_);
    expect(connect(fd, address.get(), address.size) != 0 && errno == EISCONN);
    talk(fd);
    close(fd);
}

void Lives::used_again() {
    const int fd = make();
    sockaddr nobody{};
    nobody.sa_family = AF_UNSPEC;
    for (int i = 0; i < 2; i++) {
        expect(connect_to(fd, 0) == 0);
        talk(fd);
        expect(connect(fd, &nobody, sizeof(nobody)) == 0);
    }
    close(fd);
}

void Lives::half_closed() {
    const int fd = make();
    expect(connect_to(fd, 0) == 0);
    talk(fd);
    shutdown(fd, SHUT_WR);
    expect(recv(fd, buffer_.data(), 1, 0) == 0);
    close(fd);
}

void Lives::cut_off(bool with_data) {
    const int fd = make();
    expect(connect_to(fd, kDirty) == 0);
    const linger off{1, 0};
    if (with_data) {
        const auto sent = send(fd, buffer_.data(), 1000, MSG_NOSIGNAL);
        tally_.dirty_written += static_cast<std::uint64_t>(std::max<ssize_t>(sent, 0));
    } else {
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
    }
    close(fd);
}

void Lives::killed() {
    const pid_t child = fork();
    if (child == 0) {
        const int fd = make();
        expect(connect_to(fd, kDirty) == 0);
        char byte = 0;
        recv(fd, &byte, 1, 0);
        raise(SIGKILL);
    }
    waitpid(child, nullptr, 0);
}

void Lives::abandoned() {
    const int fd = make(SOCK_NONBLOCK);
    connect_to(fd, kDirty);
    close(fd);
}

void Lives::refused(int kind) {
    const int fd = make();
    expect(connect_to(fd, kind) != 0 && errno == ECONNREFUSED);
    close(fd);
}

void Lives::live_one() {
    switch (random_() % 16) {
        case 0: return duplicated();
        case 1: return forked();
        case 2: return not_blocking();
        case 3: return connected_twice();
        case 4: return used_again();
        case 5: return half_closed();
        case 6: return plain(0, IPPROTO_MPTCP);
        case 7: return cut_off(false);
        case 8: return cut_off(true);
        case 9: return killed();
        case 10: return abandoned();
        case 11: return refused(kRefused);
        case 12: return refused(kNowhere);
        default: return plain(0, 0);
    }
}

}  // namespace

int lives(const Options& options) {
    const long count = get_number(options, "count", 1), workers = get_number(options, "workers", 1);
    void* shared =
        mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        die("mmap");
    auto& tally = *new (shared) Tally;
    const auto seed = static_cast<unsigned>(get_number(options, "seed", 1));
    for (long worker = 0; worker < workers; worker++)
        if (fork() == 0) {
            Lives lives(options, tally, seed + static_cast<unsigned>(worker));
            for (long i = worker; i < count; i += workers)
                lives.live_one();
            _exit(0);
        }
    while (wait(nullptr) > 0)
        continue;
    const auto value = [](const std::atomic<std::uint64_t>& one) {
        return static_cast<unsigned long long>(one.load());
    };
    std::printf(
        "{\"clean\": %llu, \"dirty\": %llu, \"refused\": %llu, \"nowhere\": %llu, "
        "\"sent\": %llu, \"received\": %llu, \"dirty_written\": %llu, \"unexpected\": %llu}\n",
        value(tally.clean), value(tally.dirty), value(tally.refused), value(tally.nowhere),
        value(tally.sent), value(tally.received), value(tally.dirty_written),
        value(tally.unexpected));
    return 0;
}

}  // namespace peer

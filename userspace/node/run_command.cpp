// SPDX-License-Identifier: Apache-2.0
#include "userspace/node/run_command.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>

#include "maps/fd.h"

namespace weir {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
    Fd reads, writes;
};

Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        return fail_errno("cannot make a pipe", errno);
    return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Result<pid_t> start(const std::vector<std::string>& words, const Pipe& out, const Pipe& err) {
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (const auto& word : words)
        arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out.writes.get(), 1);
    posix_spawn_file_actions_adddup2(&actions, err.writes.get(), 2);
    pid_t pid = 0;
    const int failed =
        ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0)
        return fail_errno("cannot run " + words.front(), failed);
    return pid;
}

// False: it ended.
bool read_some(int fd, std::string& text) {
    std::array<char, 16384> part{};
    const auto got = ::read(fd, part.data(), part.size());
    if (got > 0)
        text.append(part.data(), static_cast<std::size_t>(got));
    return got > 0;
}

// False: the time is over.
bool read_all(const Pipe& out, const Pipe& err, Clock::time_point end, CommandOutput& said) {
    std::array<pollfd, 2> ends{{{out.reads.get(), POLLIN, 0}, {err.reads.get(), POLLIN, 0}}};
    while (ends[0].fd >= 0 || ends[1].fd >= 0) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
        if (left.count() <= 0 ||
            ::poll(ends.data(), ends.size(), static_cast<int>(left.count())) <= 0)
            return false;
        if (ends[0].revents != 0 && !read_some(ends[0].fd, said.out))
            ends[0].fd = -1;
        if (ends[1].revents != 0 && !read_some(ends[1].fd, said.err))
            ends[1].fd = -1;
    }
    return true;
}

}  // namespace

Result<CommandOutput> run_command(const std::vector<std::string>& words, int seconds) {
    WEIR_TRY(Pipe out, make_pipe());
    WEIR_TRY(Pipe err, make_pipe());
    WEIR_TRY(const pid_t pid, start(words, out, err));
    out.writes = Fd();
    err.writes = Fd();
    CommandOutput said;
    if (!read_all(out, err, Clock::now() + std::chrono::seconds(seconds), said))
        ::kill(pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    said.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return said;
}

}  // namespace weir

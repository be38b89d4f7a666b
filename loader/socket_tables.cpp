// SPDX-License-Identifier: Apache-2.0
#include "loader/socket_tables.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "loader/root_memory_cgroup.h"

namespace weir {
namespace {

// In a process of its own: the agent stays in its cgroup. What it says is for the parent.
[[noreturn]] void make_in_root(Object& tables, const PinDir& pins, const Fd& answer) {
    std::string why;
    const auto entered = enter_root_memory_cgroup();
    if (!entered)
        why = entered.error().message;
    else if (const auto made = tables.make_tables(pins); !made)
        why = made.error().message;
    const bool told = ::write(answer.get(), why.data(), why.size()) >= 0;
    ::_exit(told ? 0 : 1);
}

std::string read_all(const Fd& from) {
    std::string text;
    std::array<char, 512> part{};
    ssize_t got = 0;
    while ((got = ::read(from.get(), part.data(), part.size())) > 0 || (got < 0 && errno == EINTR))
        if (got > 0)
            text.append(part.data(), static_cast<std::size_t>(got));
    return text;
}

}  // namespace

std::string make_socket_tables(Object tables, const PinDir& pins, const Before* before) {
    const auto missing = tables.keep_socket_tables(pins, before);
    if (!missing || !*missing)
        return "";  // an error: the load that follows has it, too
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        return std::string("cannot make a pipe: ") + std::strerror(errno);
    const Fd answer(ends[0]);
    Fd question(ends[1]);
    const pid_t child = ::fork();
    if (child < 0)
        return std::string("cannot make a process: ") + std::strerror(errno);
    if (child == 0)
        make_in_root(tables, pins, question);
    question = Fd();
    auto why = read_all(answer);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (why.empty() && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
        return "the process that was to do it ended";
    return why;
}

}  // namespace weir

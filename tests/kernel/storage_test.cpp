// SPDX-License-Identifier: Apache-2.0
// A socket whose storage is refused, on every kernel: steered, opened is counted, its end is said
// to be unknown. The limit that refuses (optmem) is the network namespace's since 6.7; before, it
// is the machine's, and only a virtual machine of the tests' own is treated so.
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/kernel/fixture.h"

namespace weir {
namespace {

constexpr const char* kLimit = "/proc/sys/net/core/optmem_max";

bool own_machine() {
    return ::access("/run/vm-run", F_OK) == 0;
}

bool write_file(const std::string& path, const std::string& text) {
    std::ofstream file(path);
    file << text << std::flush;
    return file.good();
}

bool loopback_up() {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM, 0));
    ifreq request{};
    std::snprintf(request.ifr_name, sizeof(request.ifr_name), "lo");
    request.ifr_flags = IFF_UP;
    return ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0;
}

sockaddr_in address(const char* text, std::uint16_t port) {
    sockaddr_in made{};
    made.sin_family = AF_INET;
    made.sin_port = htons(port);
    ::inet_pton(AF_INET, text, &made.sin_addr);
    return made;
}

// In a child: its own cgroup and namespace, a listener at the endpoint, one connect to the service.
// What it exits with says where it failed; 0: connected, and to the endpoint.
int connect_without_storage(const std::string& cgroup, bool per_namespace) {
    if (!write_file(cgroup + "/cgroup.procs", "0") || ::unshare(CLONE_NEWNET) || !loopback_up())
        return 2;
    const Fd server(::socket(AF_INET, SOCK_STREAM, 0)), client(::socket(AF_INET, SOCK_STREAM, 0));
    const auto endpoint = address("127.0.0.1", 8080), service = address("10.0.0.1", 80);
    if (::bind(server.get(), reinterpret_cast<const sockaddr*>(&endpoint), sizeof(endpoint)) ||
        ::listen(server.get(), 1))
        return 3;
    if (per_namespace && !write_file(kLimit, "64"))
        return 4;
    if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&service), sizeof(service)))
        return 5;
    return ::accept(server.get(), nullptr, nullptr) < 0 ? 6 : 0;
}

bool limit_is_per_namespace() {
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(::unshare(CLONE_NEWNET) == 0 && ::access(kLimit, F_OK) == 0 ? 0 : 1);
    int status = 1;
    ::waitpid(child, &status, 0);
    return status == 0;
}

class Storage : public KernelTest {};

TEST_F(Storage, RefusedIsSteeredAndItsEndUnknown) {
    const bool per_namespace = limit_is_per_namespace();
    if (!per_namespace && !own_machine())
        GTEST_SKIP()
            << "net.core.optmem_max per network namespace (kernel 6.7), or a machine of its own";
    start_plane();
    auto engine = start_engine();
    ASSERT_TRUE(engine.apply(mesh("a=10.0.0.1:127.0.0.1")));
    std::string before;
    std::ifstream(kLimit) >> before;
    ASSERT_TRUE(per_namespace || write_file(kLimit, "64"));
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(connect_without_storage(cgroup_, per_namespace));
    int status = -1;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(per_namespace || write_file(kLimit, before));
    ASSERT_EQ(WEXITSTATUS(status), 0);
    EXPECT_EQ(engine.tables().reasons().value().at(WEIR_REASON_UNTRACKED), 1U);
    const auto keys = engine.tables().edge.keys();
    ASSERT_TRUE(keys && keys->size() == 1U);
    const auto edge = engine.tables().edge.find(keys->front()).value().value();
    EXPECT_EQ(edge.opened, 1U);
    EXPECT_EQ(edge.untracked, 1U);
    EXPECT_EQ(edge.active + edge.closed + edge.failed, 0U);
}

}  // namespace
}  // namespace weir

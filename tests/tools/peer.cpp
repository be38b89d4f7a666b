// SPDX-License-Identifier: Apache-2.0
// The command line of weir-peer: MODE ADDRESS PORT [NAME] [--key value]...
#include "peer.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace peer {

void die(const std::string& what) {
    std::fprintf(stderr, "weir-peer: %s: %s\n", what.c_str(), std::strerror(errno));
    std::exit(1);
}

std::uint64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1000000000U +
           static_cast<std::uint64_t>(now.tv_nsec);
}

Address make_address(const std::string& text, int port) {
    Address address;
    auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
    if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(static_cast<std::uint16_t>(port));
        address.size = sizeof(*v4);
    } else if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(static_cast<std::uint16_t>(port));
        address.size = sizeof(*v6);
    } else {
        errno = EINVAL;
        die(text);
    }
    return address;
}

Address target(const Options& options) {
    return make_address(get(options, "address", ""),
                        static_cast<int>(get_number(options, "port", 0)));
}

std::string to_text(const sockaddr_storage& storage) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (storage.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
        inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
        return std::string(text.data()) + ":" + std::to_string(ntohs(v4.sin_port));
    }
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(v6.sin6_port));
}

void print_times(std::vector<std::uint64_t>& ns, std::uint64_t errors) {
    std::sort(ns.begin(), ns.end());
    const auto at = [&](double q) {
        return ns.empty()
                   ? 0.0
                   : static_cast<double>(
                         ns[static_cast<std::size_t>(static_cast<double>(ns.size() - 1) * q)]) /
                         1000;
    };
    std::printf("{\"n\": %zu, \"errors\": %llu, \"min\": %.3f, \"p50\": %.3f, \"p99\": %.3f}\n",
                ns.size(), static_cast<unsigned long long>(errors), at(0), at(0.5), at(0.99));
}

}  // namespace peer

int main(int argc, char** argv) {
    using Mode = int (*)(const peer::Options&);
    const std::map<std::string, Mode> modes{
        {"serve", peer::serve},         {"connects", peer::connects},
        {"probe", peer::probe},         {"hold", peer::hold},
        {"hold-many", peer::hold_many}, {"bench-connect", peer::bench_connect},
        {"bench-rr", peer::bench_rr},   {"serve-udp", peer::serve_udp},
        {"bench-udp", peer::bench_udp}, {"lives", peer::lives}};
    const auto mode = argc > 3 ? modes.find(argv[1]) : modes.end();
    if (mode == modes.end()) {
        std::fprintf(stderr, "usage: weir-peer MODE ADDRESS PORT [NAME] [--key value]...\n");
        return 2;
    }
    std::signal(SIGPIPE, SIG_IGN);
    peer::Options options{{"address", argv[2]}, {"port", argv[3]}};
    for (int i = 4; i < argc; i++) {
        const std::string word = argv[i];
        if (word.starts_with("--") && i + 1 < argc)
            options[word.substr(2)] = argv[++i];
        else
            options["name"] = word;
    }
    return mode->second(options);
}

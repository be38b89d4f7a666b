// SPDX-License-Identifier: Apache-2.0
// weir-peer: the two ends of a TCP connection for tests and benches, with a tally of their own that
// weir's counters are held against. Depends on nothing of weir's.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <map>
#include <string>

namespace peer {

using Options = std::map<std::string, std::string>;

inline std::string get(const Options& options, const std::string& key,
                       const std::string& fallback) {
    const auto found = options.find(key);
    return found == options.end() ? fallback : found->second;
}
inline long get_number(const Options& options, const std::string& key, long fallback) {
    const auto found = options.find(key);
    return found == options.end() ? fallback : std::stol(found->second);
}

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    int family() const { return storage.ss_family; }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
// "10.0.0.1" or "fd00::1"; exits on anything else.
Address make_address(const std::string& text, int port);
// "10.0.0.1:80", "[fd00::1]:80"
std::string to_text(const sockaddr_storage& storage);

std::uint64_t now_ns();
[[noreturn]] void die(const std::string& what);

// serve ADDRESS PORT NAME: greets each connection with NAME and a newline, then echoes. On SIGTERM
// prints how many connections it accepted.
int serve(const Options& options);
// connects ADDRESS PORT --count N --threads T: one connection after the other; who greeted how
// often, and which errors there were.
int connects(const Options& options);
// probe ADDRESS PORT: one connection with special wishes; prints everything a test may ask.
int probe(const Options& options);
// hold ADDRESS PORT --interval MS: an echo every so often on one connection until SIGTERM; prints
// echoes, errors and the longest gap.
int hold(const Options& options);
// bench-connect, bench-rr: times of connect() with request and close, and of one round trip.
int bench_connect(const Options& options);
int bench_rr(const Options& options);

}  // namespace peer

// SPDX-License-Identifier: Apache-2.0
// weir-peer: the two ends of a TCP connection for tests and benches, with a tally of their own that
// weir's counters are held against. Depends on nothing of weir's.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

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
Address target(const Options& options);  // its address and port
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
// lives ADDRESS PORT --count N --workers W --seed S: connections that begin and end in all ways
// that programs have. Clean ones go to PORT (their bytes are tallied), those cut off to PORT + 1;
// at PORT
// + 2 nobody listens, PORT + 3 has no endpoint.
int lives(const Options& options);
// hold ADDRESS PORT --interval MS [--count N]: an echo every so often on each of N connections (one
// where nothing is said) until SIGTERM; prints
// echoes, errors and the longest gap.
int hold(const Options& options);
// hold-many ADDRESS PORT --count N: that many connections until SIGTERM.
int hold_many(const Options& options);
// bench-connect, bench-rr: times of connect() with request and close, and of one round trip.
int bench_connect(const Options& options);
int bench_rr(const Options& options);
// serve-udp ADDRESS PORT: sends every datagram back. bench-udp ADDRESS PORT --connected 0|1: times
// of sending one and receiving it back.
int serve_udp(const Options& options);
int bench_udp(const Options& options);

// One line of JSON: how many, errors, and the least, the median and the 99th percentile in us.
void print_times(std::vector<std::uint64_t>& ns, std::uint64_t errors);

}  // namespace peer

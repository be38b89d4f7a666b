// SPDX-License-Identifier: Apache-2.0
#include "maps/addr.h"

#include <array>
#include <cstring>

namespace weir {
namespace {

constexpr std::array<unsigned char, 12> kV4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

const unsigned char* bytes(const weir_addr& addr) {
    return reinterpret_cast<const unsigned char*>(addr.w);
}

}  // namespace

std::optional<Addr> Addr::parse(std::string_view text) {
    const std::string zero_terminated(text);
    Addr addr;
    auto* raw = reinterpret_cast<unsigned char*>(addr.raw_.w);
    if (inet_pton(AF_INET, zero_terminated.c_str(), raw + 12) == 1) {
        std::memcpy(raw, kV4Prefix.data(), kV4Prefix.size());
        return addr;
    }
    if (inet_pton(AF_INET6, zero_terminated.c_str(), raw) == 1)
        return addr;
    return std::nullopt;
}

bool Addr::is_v4() const {
    return std::memcmp(raw_.w, kV4Prefix.data(), kV4Prefix.size()) == 0;
}

bool Addr::is_unspecified() const {
    return (is_v4() || (raw_.w[0] == 0 && raw_.w[1] == 0 && raw_.w[2] == 0)) && raw_.w[3] == 0;
}

bool Addr::is_multicast() const {
    if (is_v4())
        return (bytes(raw_)[12] & 0xf0) == 0xe0 || raw_.w[3] == 0xffffffffu;
    return bytes(raw_)[0] == 0xff;
}

std::string Addr::str() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (is_v4())
        inet_ntop(AF_INET, bytes(raw_) + 12, text.data(), text.size());
    else
        inet_ntop(AF_INET6, bytes(raw_), text.data(), text.size());
    return text.data();
}

std::strong_ordering operator<=>(const Addr& a, const Addr& b) {
    return std::memcmp(a.raw_.w, b.raw_.w, sizeof(a.raw_.w)) <=> 0;
}

std::string endpoint_str(const Addr& addr, std::uint16_t port) {
    return (addr.is_v4() ? addr.str() : "[" + addr.str() + "]") + ":" + std::to_string(port);
}

}  // namespace weir

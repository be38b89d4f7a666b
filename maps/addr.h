// SPDX-License-Identifier: Apache-2.0
// Addresses as people write them, and as the tables hold them (16 bytes, network order, IPv4 as
// ::ffff:a.b.c.d). Byte order is converted here and nowhere else.
#pragma once

#include <arpa/inet.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "maps/abi/base.h"

namespace weir {

class Addr {
  public:
    Addr() = default;
    explicit Addr(const weir_addr& raw) : raw_(raw) {}

    // "10.0.0.1", "fd00::1"; the mapped form ::ffff:10.0.0.1 is the IPv4 address. No zone, no port.
    static std::optional<Addr> parse(std::string_view text);

    const weir_addr& raw() const { return raw_; }
    bool is_v4() const;
    bool is_unspecified() const;  // 0.0.0.0 or ::
    bool is_multicast() const;    // also 255.255.255.255
    std::string str() const;

    friend bool operator==(const Addr& a, const Addr& b) { return (a <=> b) == 0; }
    friend std::strong_ordering operator<=>(const Addr& a, const Addr& b);

  private:
    weir_addr raw_{};
};

// "10.0.0.1:80", "[fd00::1]:80"; the port in host order.
std::string endpoint_str(const Addr& addr, std::uint16_t port);

}  // namespace weir

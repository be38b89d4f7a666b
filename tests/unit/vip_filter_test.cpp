// SPDX-License-Identifier: Apache-2.0
// The filter is worth its cost only if the addresses that clusters have spread over its bits.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <set>

#include "bpf/core/vip_filter.h"
#include "userspace/model/compile.h"

namespace weir {
namespace {

std::uint32_t bit_of(const std::string& address, std::uint16_t port) {
    const auto key = Vip{*Addr::parse(address), port}.key();
    return weir_vip_filter_bit(&key);
}

std::string v4(const std::string& net, unsigned n) {
    return net + std::to_string(n / 250 % 250) + "." + std::to_string(n % 250 + 1);
}

// Of the addresses that are no service's, the part that the filter lets pass.
double false_share(const std::set<std::uint32_t>& bits, const std::string& net,
                   std::uint16_t port) {
    int passed = 0;
    for (unsigned n = 0; n < 50000; n++)
        passed += bits.contains(bit_of(v4(net, n), port)) ? 1 : 0;
    return passed / 50000.0;
}

TEST(VipFilter, LetsFewStrangersPassWithTenThousandServices) {
    std::set<std::uint32_t> four, six;
    for (unsigned n = 0; n < 10000; n++) {
        four.insert(bit_of(v4("10.96.", n), 80));
        std::array<char, 40> text{};
        std::snprintf(text.data(), text.size(), "fd00:96::%x", n + 1);
        six.insert(bit_of(text.data(), 443));
    }
    // 10,000 of 262,144 bits are 3.8 %: close to that, also for neighbours and other ports.
    for (const auto& bits : {four, six})
        for (const std::uint16_t port : {80, 443, 8080})
            EXPECT_LT(false_share(bits, "10.97.", port), 0.05) << port;
    EXPECT_LT(false_share(four, "192.168.", 80), 0.05);
}

}  // namespace
}  // namespace weir

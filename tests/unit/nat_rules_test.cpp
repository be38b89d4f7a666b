// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "userspace/node/nat_rules.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// As iptables-save, nft list ruleset and /proc/net/ip_vs print them.
constexpr const char* kIptables = R"(*nat
:KUBE-SERVICES - [0:0]
-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m tcp --dport 53 -j KUBE-SVC-ERIFXISQEP7F7OF4
-A POSTROUTING -s 10.96.0.11/32 -j MASQUERADE
-A OUTPUT -d 10.96.0.12/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.1.0.1:8080
)";
constexpr const char* kNft = R"(table ip kube-proxy {
	map service-ips {
		elements = { 10.96.0.20 . tcp . 80 : goto service-ABC-orders/tcp/http }
	}
}
table ip6 mine {
		ip6 daddr fd00::10 tcp dport 80 dnat to [fd00::1]:8080
}
)";
constexpr const char* kIpvs = R"(IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A600015:0050 rr
  -> 0A600016:1F90      Masq    1      0          0
TCP  [fd00:0000:0000:0000:0000:0000:0000:0010]:0050 rr
)";

std::vector<std::string> translated(const std::string& rules, const std::vector<std::string>& all) {
    std::vector<Addr> addresses;
    for (const auto& one : all)
        addresses.push_back(*Addr::parse(one));
    std::vector<std::string> found;
    for (const auto& one : translated_in(rules, addresses))
        found.push_back(one.str());
    return found;
}

TEST(NatRules, NamesWhoRedirects) {
    EXPECT_THAT(redirectors_in(kIptables), ElementsAre("kube-proxy (chain KUBE-SERVICES)"));
    EXPECT_THAT(redirectors_in(kNft), ElementsAre("kube-proxy (table kube-proxy)"));
    EXPECT_THAT(redirectors_in(kIpvs), ElementsAre("IPVS (/proc/net/ip_vs)"));
    EXPECT_THAT(redirectors_in(":ISTIO_OUTPUT - [0:0]\n"),
                ElementsAre("an Istio sidecar (chain ISTIO_OUTPUT)"));
    EXPECT_THAT(redirectors_in("*nat\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"), IsEmpty());
}

TEST(NatRules, FindsWhatIsTranslatedTwice) {
    EXPECT_THAT(translated(kIptables, {"10.96.0.10", "10.96.0.12"}),
                ElementsAre("10.96.0.10", "10.96.0.12"));
    EXPECT_THAT(translated(kNft, {"10.96.0.20", "fd00::10"}),
                ElementsAre("10.96.0.20", "fd00::10"));
    EXPECT_THAT(translated(kIpvs, {"10.96.0.21", "fd00::10"}),
                ElementsAre("10.96.0.21", "fd00::10"));
}

TEST(NatRules, LeavesOutWhatOnlyLooksLikeIt) {
    // Another address, a rule that masquerades, an IPVS server behind a service.
    EXPECT_THAT(translated(kIptables, {"10.96.0.1", "10.96.0.11", "0.96.0.10"}), IsEmpty());
    EXPECT_THAT(translated(kNft, {"10.96.0.2", "fd00::1:10", "fd00::100"}), IsEmpty());
    EXPECT_THAT(translated(kIpvs, {"10.96.0.22", "10.96.0.2"}), IsEmpty());
}

}  // namespace
}  // namespace weir

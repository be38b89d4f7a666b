// SPDX-License-Identifier: Apache-2.0
// Which UDP ports owe answers, and whose datagrams are looked at for it.
#include "userspace/model/answers.h"

#include <gtest/gtest.h>

#include "userspace/model/compile.h"

namespace weir {
namespace {

Service dns(std::optional<std::uint32_t> answer_ms = {}) {
    Service service;
    service.name = "dns.kube";
    service.ports = {{"dns", 53, 53, Protocol::kUdp, "dns", {}},
                     {"dns-tcp", 53, 53, Protocol::kTcp, "dns", {}},
                     {"stats", 8125, 8125, Protocol::kUdp, "", {}}};
    service.outliers.consecutive_failures = 3;
    service.outliers.answer_ms = answer_ms;
    return service;
}

TEST(Answers, DnsOwesThemAndOthersOnlyWhereItIsWritten) {
    const auto one = dns(), all = dns(500), off = dns(0);
    EXPECT_EQ(answer_ms_of(one, one.ports[0]), 2000U);
    EXPECT_EQ(answer_ms_of(one, one.ports[1]), 0U);
    EXPECT_EQ(answer_ms_of(one, one.ports[2]), 0U);
    EXPECT_EQ(answer_ms_of(all, all.ports[0]), 500U);
    EXPECT_EQ(answer_ms_of(all, all.ports[1]), 0U);
    EXPECT_EQ(answer_ms_of(all, all.ports[2]), 500U);
    EXPECT_EQ(answer_ms_of(off, off.ports[0]), 0U);
    EXPECT_EQ(outlier_detection_str(off), "3 failures, 2s, at most 50 %");
    EXPECT_EQ(outlier_detection_str(one), "3 failures, 2s, at most 50 %, answers within 2s");
    EXPECT_EQ(outlier_detection_str(all), "3 failures, 2s, at most 50 %, answers within 500ms");
}

TEST(Answers, NobodyOwesThemWithoutDetection) {
    auto off = dns(500);
    off.outliers.consecutive_failures = 0;
    EXPECT_EQ(answer_ms_of(off, off.ports[0]), 0U);
}

TEST(Answers, DatagramsAreLookedAtForUdpOnly) {
    auto service = dns();
    EXPECT_TRUE(watches_datagrams(service));
    service.outliers.consecutive_failures = 0;
    EXPECT_FALSE(watches_datagrams(service));
    service.counts_datagrams = true;
    EXPECT_TRUE(watches_datagrams(service));
    service.ports = {service.ports[1]};
    EXPECT_FALSE(watches_datagrams(service));
}

TEST(Answers, EachPortHasItsOwn) {
    Snapshot snapshot;
    snapshot.services.put(std::make_shared<const Service>(dns()));
    const auto compiled = compile(snapshot, "");
    EXPECT_EQ(compiled.ports.at("dns.kube:53/UDP").outliers.answer_ms, 2000U);
    EXPECT_TRUE(compiled.ports.at("dns.kube:53/UDP").udp);
    EXPECT_EQ(compiled.ports.at("dns.kube:53/TCP").outliers.answer_ms, 0U);
    EXPECT_FALSE(compiled.ports.at("dns.kube:53/TCP").udp);
    EXPECT_EQ(compiled.ports.at("dns.kube:8125/UDP").outliers.answer_ms, 0U);
}

}  // namespace
}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "userspace/source/mesh_reader.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Reading read(const std::string& text) {
    return read_mesh(MeshText{"", {{"m.yaml", text}}});
}

std::vector<std::string> complaints(const std::string& text) {
    std::vector<std::string> all;
    for (const auto& found : read(text).found.sorted())
        all.push_back(found.str());
    return all;
}

constexpr const char* kGood = R"(services:
  orders.shop:
    addresses: [10.96.0.10, "fd00::10"]
    ports: [{name: http, port: 80, targetPort: 8080, protocol: TCP}]
    endpoints:
      - {address: 10.0.0.2, weight: 9}
      - {address: 10.0.0.3}
    balance: {algorithm: round-robin}
workloads:
  frontend.shop: {cgroup: "shop.slice/front*"}
)";

TEST(MeshFile, ReadsAllItSays) {
    const auto reading = read(kGood);
    ASSERT_TRUE(reading.snapshot) << complaints(kGood).front();
    const auto& service = reading.snapshot->services.at("orders.shop");
    EXPECT_EQ(service.addresses.at(1).addr.str(), "fd00::10");
    EXPECT_EQ(service.ports.at(0).target_port, 8080);
    EXPECT_EQ(service.endpoints.at(0).weight, 9U);
    EXPECT_EQ(service.endpoints.at(1).weight, 1U);
    EXPECT_EQ(service.algorithm, Algorithm::kRoundRobin);
    EXPECT_EQ(reading.snapshot->workloads.at("frontend.shop").cgroup, "/shop.slice/front*");
}

TEST(MeshFile, EmptyNullAndMissingEndpointsAreNone) {
    for (const char* endpoints : {"", "endpoints:\n", "endpoints: []\n", "endpoints: ~\n"}) {
        const auto reading =
            read("services:\n  a:\n    addresses: [10.0.0.1]\n    ports: [{port: 1}]\n    " +
                 std::string(endpoints));
        ASSERT_TRUE(reading.snapshot) << endpoints;
        EXPECT_THAT(reading.snapshot->services.at("a").endpoints, IsEmpty());
        EXPECT_EQ(reading.snapshot->services.at("a").ports.at(0).target_port, 1);
    }
    EXPECT_TRUE(read("").snapshot);
    EXPECT_TRUE(read("services:\n").snapshot);
    EXPECT_TRUE(read("# nothing\n").snapshot);
}

TEST(MeshFile, NamesThePlaceOfEveryErrorAtOnce) {
    EXPECT_THAT(
        complaints("servces: {}\n"
                   "services:\n"
                   "  a:\n"
                   "    addresses: [10.0.0.300]\n"
                   "    ports: [{prot: 80, port: 99999}]\n"
                   "    endpoints: {x: y}\n"
                   "  B_ad: {addresses: [10.0.0.1], ports: [{port: 1}]}\n"
                   "workloads:\n"
                   "  w: {}\n"),
        ElementsAre("m.yaml:1:1: error: unknown key \"servces\" in the mesh file: did you mean "
                    "\"services\"?",
                    "m.yaml:4:17: error: address of service \"a\" \"10.0.0.300\" is no IPv4 or "
                    "IPv6 address",
                    "m.yaml:5:14: error: unknown key \"prot\" in a port of service \"a\": did you "
                    "mean \"port\"?",
                    "m.yaml:5:30: error: `port` of a port of service \"a\" is \"99999\", not a "
                    "number from 1 to 65535",
                    "m.yaml:6:16: error: `endpoints` of service \"a\" is a mapping, not a list",
                    "m.yaml:7:3: error: service \"B_ad\" is no name: write lower-case letters, "
                    "digits and dashes, such as orders.shop",
                    "m.yaml:9:6: error: workload \"w\" needs `cgroup`"));
}

TEST(MeshFile, SyntaxErrorsHaveAPlaceToo) {
    EXPECT_THAT(complaints("services: [\n"),
                ElementsAre(HasSubstr("m.yaml:2:1: error: not YAML:")));
    EXPECT_THAT(complaints("a: &x 1\nb: *x\n"),
                ElementsAre(HasSubstr("m.yaml:2:4: error: aliases")));
    EXPECT_THAT(complaints("services: {}\n---\nservices: {}\n"),
                ElementsAre(HasSubstr("a second document")));
    EXPECT_THAT(complaints("services: {}\nservices: {}\n"),
                ElementsAre(HasSubstr("written twice, first on line 1")));
    EXPECT_THAT(complaints(std::string(100, '[')),
                ElementsAre(HasSubstr("nested more than 32 deep")));
}

TEST(MeshFile, OtherFilesErrorsAreFoundAsWell) {
    const auto reading =
        read_mesh(MeshText{"dir", {{"a.yaml", "services: [\n"}, {"b.yaml", "x: 1\n"}}});
    const auto all = reading.found.sorted();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].origin.file.str(), "dir/a.yaml");
    EXPECT_EQ(all[1].origin.str(), "dir/b.yaml:1:1");
}

TEST(MeshFile, RefusesValuesThatCannotBeMeant) {
    const auto service = [](const std::string& rest) {
        return complaints("services:\n  a: {addresses: [10.0.0.1], ports: [{port: 80}], " + rest +
                          "}\n");
    };
    EXPECT_THAT(service("endpoints: [{address: 0.0.0.0}]"), ElementsAre(HasSubstr("unspecified")));
    EXPECT_THAT(service("endpoints: [{address: 224.0.0.1}]"), ElementsAre(HasSubstr("multicast")));
    EXPECT_THAT(service("endpoints: [{address: 10.0.0.2, weight: -1}]"),
                ElementsAre(HasSubstr("not a number from 0 to 1000000")));
    EXPECT_THAT(service("endpoints: [{weight: 1}]"), ElementsAre(HasSubstr("needs `address`")));
    EXPECT_THAT(service("balance: {algorithm: roundrobin}"),
                ElementsAre(HasSubstr("did you mean \"round-robin\"?")));
    EXPECT_THAT(complaints("services:\n  a: {addresses: [], ports: [{port: 1}]}\n"),
                ElementsAre(HasSubstr("needs at least one address")));
    EXPECT_THAT(complaints("services:\n  a: {addresses: [10.0.0.1]}\n"),
                ElementsAre(HasSubstr("needs `ports`")));
    EXPECT_THAT(
        complaints(
            "services:\n  a: {addresses: [10.0.0.1], ports: [{port: 53, protocol: QUIC-9}]}\n"),
        ElementsAre(HasSubstr("write TCP or UDP")));
    EXPECT_THAT(
        service("balance: {algorithm: fastest}"),
        ElementsAre(HasSubstr(
            "write random, round-robin, least-connections, least-latency or consistent-hash")));
    EXPECT_THAT(service("affinity: {timeout: 3}"),
                ElementsAre(HasSubstr("not a time from 1s to 1d")));
    EXPECT_THAT(service("affinity: {timeout: 2d}"),
                ElementsAre(HasSubstr("not a time from 1s to 1d")));
    for (const char* setting : {"connect: 0ms", "connect: 1ms", "connect: 3m", "tcpUser: 500ms",
                                "tcpUser: 2d", "idle: 1s", "idle: 2d", "keepalive: {time: 500ms}",
                                "keepalive: {probes: 0}", "keepalive: {every: 3s}"})
        EXPECT_EQ(service("timeouts: {" + std::string(setting) + "}").size(), 1U) << setting;
    EXPECT_THAT(complaints("services:\n  a: {addresses: [10.0.0.1], ports: [{port: 53, protocol: "
                           "UDP}], timeouts: {connect: 1s}}\n"),
                ElementsAre(HasSubstr("has no TCP port")));
    for (const char* setting :
         {"maxConnections: 0", "maxConnectionsPerEndpoint: -1", "connectionsPerSecond: 0",
          "connectionsPerSecond: 1000001", "connectionBurst: 5"})
        EXPECT_EQ(service("limits: {" + std::string(setting) + "}").size(), 1U) << setting;
    EXPECT_THAT(service("observe: {events: 2/3}"), ElementsAre(HasSubstr("write 0 (none), 1")));
    EXPECT_THAT(service("observe: {datagrams: yes}"),
                ElementsAre(HasSubstr("write false or true")));
    EXPECT_THAT(service("observe: {datagram: true}"),
                ElementsAre(HasSubstr("did you mean \"datagrams\"?")));
    EXPECT_THAT(service("mode: stear"), ElementsAre(HasSubstr("did you mean \"steer\"?")));
    for (const char* pattern : {"'*'", "a*b", "/", "''"})
        EXPECT_EQ(complaints("workloads:\n  w: {cgroup: " + std::string(pattern) + "}\n").size(),
                  std::string(pattern) == "'*'" ? 0U : 1U)
            << pattern;
}

TEST(MeshFile, RefusesOutlierDetectionThatCannotBeMeant) {
    const auto service = [](const std::string& rest) {
        return complaints("services:\n  a: {addresses: [10.0.0.1], ports: [{port: 80}], " + rest +
                          "}\n");
    };
    for (const char* setting :
         {"consecutiveFailures: 0", "maxEjectionPercent: 0", "maxEjectionPercent: 101",
          "baseEjectionTime: 5ms", "failurePercent: 0", "failurePercent: 101", "interval: 10s",
          "minConnections: 5", "failurePercent: 50, minConnections: 0",
          "failurePercent: 50, interval: 10ms", "minHealthPercent: 0", "answerTimeout: 2s"})
        EXPECT_EQ(service("outlierDetection: {" + std::string(setting) + "}").size(), 1U)
            << setting;
    EXPECT_THAT(service("outlierDetection: {maxEjectionPercent: 0}"),
                ElementsAre(AllOf(HasSubstr(":2:"), HasSubstr("leave it out"))));
    EXPECT_THAT(service("limits: {maxConnections: 0}"),
                ElementsAre(AllOf(HasSubstr(":2:"), HasSubstr("leave it out"))));
    EXPECT_THAT(service("timeouts: {connect: 500us}"),
                ElementsAre(AllOf(HasSubstr(":2:"), HasSubstr("from 10ms to 2m"))));
    EXPECT_THAT(service("timeouts: {keepalive: {time: 1500ms}}"),
                ElementsAre(AllOf(HasSubstr(":2:"), HasSubstr("write 1s or 2s"))));
    EXPECT_THAT(service("endpoints: [{address: 10.1.0.1}, {address: 10.1.0.2}, {address: "
                        "10.1.0.3}], outlierDetection: "
                        "{maxEjectionPercent: 33}"),
                ElementsAre(AllOf(HasSubstr("warning"), HasSubstr("write 34 or more"))));
    EXPECT_TRUE(service("endpoints: [{address: 10.1.0.1}, {address: 10.1.0.2}, {address: "
                        "10.1.0.3}], outlierDetection: "
                        "{maxEjectionPercent: 34}")
                    .empty());
    EXPECT_THAT(
        service("outlierDetection: {minHealthPercent: 50}"),
        ElementsAre(HasSubstr("maxEjectionPercent` (50) are ever out; raise that above 50")));
    EXPECT_TRUE(service("outlierDetection: {minHealthPercent: 51}").empty());
    const auto over_udp = [](const std::string& text) {
        return complaints(
            "services:\n  a: {addresses: [10.0.0.1], ports: [{port: 53, protocol: UDP}], "
            "outlierDetection: {answerTimeout: " +
            text + "}}\n");
    };
    EXPECT_TRUE(over_udp("2s").empty());
    EXPECT_TRUE(over_udp("off").empty());
    for (const char* text : {"0", "0s", "50ms", "6m", "often", "[2s]"})
        EXPECT_EQ(over_udp(text).size(), 1U) << text;
    EXPECT_TRUE(
        service("outlierDetection: {minHealthPercent: 30, maxEjectionPercent: 100}").empty());
}

TEST(MeshFile, SaysWhatOutlierDetectionDoes) {
    const auto outliers = [](const std::string& fields) {
        return outlier_detection_str(
            read("services: {a: {addresses: [10.0.0.1], ports: [{port: 80}], outlierDetection: {" +
                 fields + "}}}\n")
                .snapshot->services.at("a"));
    };
    EXPECT_EQ(outliers(""), "3 failures, 2s, at most 50 %");
    EXPECT_EQ(outliers("failurePercent: 30"), "3 failures or 30 % of 20 in 10s, 2s, at most 50 %");
    EXPECT_EQ(outliers("failurePercent: 30, minConnections: 5, interval: 1m, maxEjectionPercent: "
                       "100, minHealthPercent: 40"),
              "3 failures or 30 % of 5 in 1m, 2s, at most 100 %, panic below 40 %");
}

TEST(MeshFile, ReadsWhatServicesAndWorkloadsMayHave) {
    const auto reading = read(
        "services:\n"
        "  dns.kube:\n"
        "    addresses: [10.0.0.10, 'fd00::10']\n"
        "    ports:\n"
        "      - {name: dns, port: 53, protocol: UDP}\n"
        "      - {name: dns-tcp, port: 53, targetPort: 5353, appProtocol: dns}\n"
        "    endpoints: [{address: 10.1.0.1, zone: a, labels: {version: v1, 'x.io/y': ''}}]\n"
        "    balance: {algorithm: consistent-hash}\n"
        "    affinity: {timeout: 1h30m}\n"
        "    mode: observe\n"
        "workloads:\n"
        "  web: {cgroup: web*, addresses: [10.1.0.9], labels: {app: web}, serviceAccount: web, "
        "mode: off}\n");
    ASSERT_TRUE(reading.snapshot);
    EXPECT_TRUE(reading.found.sorted().empty());
    const auto& snapshot = *reading.snapshot;
    const auto& service = snapshot.services.at("dns.kube");
    EXPECT_EQ(service.addresses.size(), 2U);
    EXPECT_EQ(service.ports.at(0).protocol, Protocol::kUdp);
    EXPECT_EQ(service.ports.at(1).protocol, Protocol::kTcp);
    EXPECT_EQ(service.ports.at(1).target_port, 5353);
    EXPECT_EQ(service.ports.at(1).app_protocol, "dns");
    EXPECT_EQ(service.endpoints.at(0).zone, "a");
    EXPECT_EQ(labels_str(service.endpoints.at(0).labels), "version=v1,x.io/y=");
    EXPECT_EQ(service.algorithm, Algorithm::kConsistentHash);
    EXPECT_EQ(service.affinity_s, 5400U);
    EXPECT_EQ(service.mode, Mode::kObserve);
    const auto& workload = snapshot.workloads.at("web");
    EXPECT_EQ(workload.addresses.at(0).addr.str(), "10.1.0.9");
    EXPECT_EQ(workload.service_account, "web");
    EXPECT_EQ(workload.mode, Mode::kOff);
}

// Per field, what a missing key, a null and an empty value mean: docs/mesh.md says the same.
TEST(MeshFile, TellsEmptyNullAndMissingApartOnPurpose) {
    const std::string whole = "addresses: [10.0.0.1], ports: [{port: 80}]";
    const auto service = [](const std::string& fields) {
        return complaints("services: {a: {" + fields + "}}\n");
    };
    // Required: nothing is an error, however it is written.
    for (const char* fields : {"ports: [{port: 80}]", "addresses: null, ports: [{port: 80}]",
                               "addresses: [], ports: [{port: 80}]"})
        EXPECT_THAT(service(fields), ElementsAre(HasSubstr("address"))) << fields;
    for (const char* fields : {"addresses: [10.0.0.1]", "addresses: [10.0.0.1], ports: ~",
                               "addresses: [10.0.0.1], ports: []"})
        EXPECT_THAT(service(fields), ElementsAre(HasSubstr("port"))) << fields;
    // A list of nothing is nobody: connects are refused.
    for (const char* fields : {"", ", endpoints: null", ", endpoints: []"})
        EXPECT_TRUE(service(whole + fields).empty()) << fields;
    // An entry of nothing is a mistake, not an entry that was left out.
    EXPECT_THAT(service(whole + ", endpoints: [null]"), ElementsAre(HasSubstr("needs `address`")));
    EXPECT_THAT(service("addresses: [''], ports: [{port: 80}]"),
                ElementsAre(HasSubstr("is no IPv4 or IPv6 address")));
    EXPECT_THAT(service("addresses: [null], ports: [{port: 80}]"),
                ElementsAre(HasSubstr("is nothing")));
    // Defaults hold for missing and null; an empty text is not one of the words.
    for (const char* fields : {", balance: ~", ", balance: {}", ", balance: {algorithm: ~}",
                               ", affinity: ~", ", mode: ~", ", observe: ~", ", observe: {}",
                               ", observe: {datagrams: ~}", ", observe: {datagrams: false}"})
        EXPECT_TRUE(service(whole + fields).empty()) << fields;
    for (const char* fields :
         {", balance: {algorithm: ''}", ", mode: ''", ", affinity: ''", ", affinity: {timeout: ''}",
          ", observe: {datagrams: ''}", ", observe: {datagrams: true}"})  // it has no UDP port
        EXPECT_EQ(service(whole + fields).size(), 1U) << fields;
    // Affinity alone differs: `{}` asks for it with its default, null does not ask.
    const auto affinity = [&](const std::string& field) {
        return read("services: {a: {" + whole + field + "}}\n")
            .snapshot->services.at("a")
            .affinity_s;
    };
    EXPECT_EQ(affinity(""), 0U);
    EXPECT_EQ(affinity(", affinity: null"), 0U);
    EXPECT_EQ(affinity(", affinity: {}"), 10800U);
    EXPECT_EQ(affinity(", affinity: {timeout: null}"), 10800U);
    // Outlier detection likewise.
    const auto failures = [&](const std::string& field) {
        return read("services: {a: {" + whole + field + "}}\n")
            .snapshot->services.at("a")
            .outliers.consecutive_failures;
    };
    EXPECT_EQ(failures(", outlierDetection: ~"), 0U);
    EXPECT_EQ(failures(", outlierDetection: {}"), 3U);
    EXPECT_EQ(failures(", outlierDetection: {consecutiveFailures: 7}"), 7U);
    // Sections and files of nothing are empty; a service of nothing lacks everything.
    for (const char* text : {"", "services:\n", "services: {}\n", "workloads: null\n"})
        EXPECT_TRUE(complaints(text).empty()) << text;
    EXPECT_EQ(complaints("services: {a: }\n").size(), 2U);
    EXPECT_THAT(complaints("workloads: {w: }\n"), ElementsAre(HasSubstr("needs `cgroup`")));
    for (const char* fields : {"labels: ~", "labels: {}", "labels: {app: ~}", "addresses: []"})
        EXPECT_TRUE(
            complaints("workloads: {w: {cgroup: x, " + std::string(fields) + "}}\n").empty())
            << fields;
    EXPECT_THAT(complaints("workloads: {w: {cgroup: x, labels: ''}}\n"),
                ElementsAre(HasSubstr("no mapping")));
}

TEST(MeshFile, ChecksTheWholeMesh) {
    EXPECT_THAT(
        complaints(
            "services:\n"
            "  a: {addresses: [10.0.0.1], ports: [{port: 80}], endpoints: [{address: 10.0.0.1}]}\n"
            "  b: {addresses: [10.0.0.1], ports: [{port: 80}, {port: 80}], endpoints: [{address: "
            "10.0.0.2}, {address: 10.0.0.2}]}\n"),
        testing::UnorderedElementsAre(
            HasSubstr("is the address of the service itself"),
            HasSubstr("service \"b\" has 10.0.0.1:80, and so has service \"a\" at m.yaml:2:3"),
            HasSubstr("port 80/TCP of service \"b\" is written twice"),
            HasSubstr("endpoint 10.0.0.2 of service \"b\" is written twice")));
    EXPECT_THAT(complaints("workloads: {a: {cgroup: x}, b: {cgroup: /x}}\n"),
                ElementsAre(HasSubstr("a cgroup belongs to one workload")));
    EXPECT_THAT(complaints("services:\n  a: {addresses: [10.0.0.1], ports: [{port: 80}], "
                           "endpoints: [{address: 'fd00::1'}]}\n"),
                ElementsAre(HasSubstr("warning: service \"a\" has only IPv6 endpoints")));
}

TEST(MeshText, DigestTellsContentsApart) {
    const MeshText one{"d", {{"a", "bc"}}}, two{"d", {{"ab", "c"}}}, three{"other", {{"a", "bc"}}};
    EXPECT_NE(one.digest(), two.digest());
    EXPECT_EQ(one.digest(), three.digest());
}

}  // namespace
}  // namespace weir

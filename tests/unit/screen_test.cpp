// SPDX-License-Identifier: Apache-2.0
// Golden files: what the commands print. WEIR_UPDATE_GOLDEN=1 writes them anew; read the
// difference.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "bpf/core/latency.h"
#include "userspace/cli/render.h"
#include "userspace/model/describe.h"
#include "userspace/observe/views/json.h"
#include "userspace/source/mesh_reader.h"

namespace weir {
namespace {

void expect_golden(const std::string& name, const std::string& text) {
    const std::string path = std::string(WEIR_GOLDEN) + "/" + name;
    if (std::getenv("WEIR_UPDATE_GOLDEN") != nullptr)
        std::ofstream(path) << text;
    std::ifstream file(path);
    ASSERT_TRUE(file) << "no golden file " << path;
    EXPECT_EQ(text, std::string(std::istreambuf_iterator<char>(file), {})) << path;
}

StatusView status() {
    StatusView view;
    view.agentRunning = true;
    view.agentPid = 4711;
    view.mode = "steer";
    view.heartbeatAgeSeconds = 0.1;
    view.generation = 12;
    view.publishedAgoSeconds = 3725;
    view.meshDigest = "00112233aabbccdd";
    view.services = 3;
    view.servicePorts = 4;
    view.endpoints = 7;
    view.workloads = 2;
    view.hooks = {{"weir_connect4", true}, {"weir_connect6", true}};
    view.tables = {{"weir_vip", 4, 32768}, {"weir_edge", 5, 16384}};
    view.reasons = {{"no_endpoint", 3, "connects refused: the service has no endpoint"},
                    {"edge_full", 0, "connects counted on \"other\""}};
    view.agent = AgentFacts{};
    view.agent->version = "0.1.0";
    return view;
}

StatusView status_in_trouble() {
    auto view = status();
    view.hooks[1].attached = false;
    view.relinked = 1;
    view.repaired = 2;
    view.agent->meshErrors = {"/etc/weir/mesh.d/a.yaml:3:5: error: unknown key \"adresses\""};
    view.agent->meshWarnings = {"/etc/weir/mesh.d/b.yaml:1:1: warning: something"};
    view.switches = {{"", 90}, {"orders.shop", 540}};
    view.mode = "observe";
    view.agent->refused = {"orders.shop:80/TCP: table weir_endpoint is full"};
    view.agent->lostFeatures = {"identity: refused"};
    view.agent->staleSeconds = 65;
    view.agent->upkeep = {
        {"sweep", "bytes come late", "", 0},
        {"tidy", "rows are not freed", "the fold is refused: Invalid argument", 3}};
    return view;
}

StatusView status_dead() {
    auto view = status();
    view.agentRunning = false;
    view.agent.reset();
    view.heartbeatAgeSeconds = 90000;
    return view;
}

StatusView status_hung() {
    auto view = status_dead();
    view.agentHangs = true;
    view.heartbeatAgeSeconds = 12;
    return view;
}

std::vector<ServiceView> services() {
    return {{"empty.shop",
             80,
             "TCP",
             "",
             {"10.96.0.11"},
             "random",
             0,
             "steer",
             0,
             "no-endpoints",
             {1, 0, 1, 0, 0, {}}},
            {"orders.shop",
             80,
             "TCP",
             "http",
             {"10.96.0.10", "fd00::10"},
             "round-robin",
             10800,
             "steer",
             2,
             "serving",
             {1000, 990, 4, 5, 1, {}}}};
}

Histogram times(std::initializer_list<std::uint64_t> us) {
    weir_histogram row{};
    for (const auto one : us) {
        row.count++;
        row.sum_us += one;
        row.buckets[weir_latency_bucket(one)]++;
    }
    return Histogram::of(row);
}

std::vector<EdgeView> edges() {
    const Latencies fast{times({90, 100}), times({45}), times({400, 800, 1500, 90000}), 0},
        slow{times({2500}), times({45, 50}), times({1600000}), 1};
    EdgeCounts well{900, 890, 0, 10, 0, {}},
        some{100, 80, 12, 7, 1, {9, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 900, 12345678, 3, 1, 4};
    return {{"frontend.shop", "orders.shop", 80, "TCP", "10.0.0.2:8080", well, fast},
            {"frontend.shop", "orders.shop", 80, "TCP", "10.0.0.3:8080", some, slow},
            {"unknown", "orders.shop", 80, "TCP", "none", {3, 0, 3, 0, 0, {0, 0, 0, 0, 0, 0, 3}}},
            {"orders.shop", "dns.shop", 53, "UDP", "10.0.0.9:53", {}}};
}

std::vector<EndpointView> endpoints() {
    return {
        {"orders.shop",
         80,
         "TCP",
         "10.0.0.2:8080",
         9,
         "a",
         {{"version", "v1"}},
         0.9,
         "serving",
         {900, 890, 4, 5, 1, {}}},
        {"orders.shop",
         80,
         "TCP",
         "[fd00::2]:8080",
         1,
         "",
         {},
         0.1,
         "serving",
         {100, 100, 0, 0, 0, {}}},
        {"orders.shop", 80, "TCP", "10.0.0.9:8080", 0, "", {}, 0, "leaving", {7, 5, 0, 2, 0, {}}},
        {"orders.shop", 80, "TCP", "none", 0, "", {}, 0, "refused", {3, 0, 3, 0, 0, {}}},
        {"orders.shop", 80, "TCP", "other", 0, "", {}, 0, "summed", {50, 50, 0, 0, 0, {}}}};
}

std::vector<CheckGroup> checks() {
    using Outcome = CheckResult::Outcome;
    return {
        {"machine",
         {{"the kernel has BTF", Outcome::kOk, "", ""},
          {"a bpf file system is mounted", Outcome::kError, "there is none at /x", "mount it"}}},
        {"events", {{"no drops", Outcome::kWarning, "counted 3 times", "look"}}}};
}

std::vector<RateView> rates() {
    return rate_views({}, edges(), 2, RateOf::kEndpoint);
}

TEST(Screen, Top) {
    const TopFrame frame{RateOf::kEndpoint, 2, 80, 0};
    const auto sorted = sorted_for_top(rates(), TopOrder::kConnects);
    expect_golden("top.txt", render_top(sorted, frame));
    expect_golden("top-wide.txt", render_top(sorted, {RateOf::kEndpoint, 2, 120, 1}));
    expect_golden("top-p99.txt", render_top(sorted_for_top(rates(), TopOrder::kP99), frame));
    expect_golden("top.json", render_top_document(sorted, 2, Format::kJson));
    for (const auto& line : {render_top(sorted, frame), render_top({}, frame)})
        EXPECT_LE(line.find('\n'), 80U);
}

CandidateView candidate(const std::string& endpoint, std::uint64_t first_byte_us,
                        std::uint64_t rtt_us, std::initializer_list<std::uint64_t> connect_us) {
    CandidateView view{endpoint, true, 0.125, "", {}};
    for (int i = 0; i < 10; i++)
        view.latencies.first_byte += times({first_byte_us});
    view.latencies.rtt = times({rtt_us});
    view.latencies.connect = times(connect_us);
    return view;
}

TEST(Screen, Explain) {
    ExplainView view{"frontend.shop",
                     "orders.shop",
                     "orders.shop",
                     "10.96.0.10:80",
                     "TCP",
                     "steered",
                     "random over 8 of 9 endpoints",
                     "random",
                     0,
                     {}};
    for (const char* usual : {"10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80", "10.0.0.5:80"})
        view.candidates.push_back(candidate(usual, 900, 60, {70}));
    view.candidates.push_back(candidate("10.0.1.1:80", 9000, 70, {}));
    view.candidates.push_back(candidate("10.0.1.2:80", 9000, 6000, {6500}));
    view.candidates.push_back(candidate("10.0.1.3:80", 9000, 6000, {90}));  // delayed acks
    view.candidates.push_back(candidate("10.0.1.4:80", 9000, 6000, {}));
    remark_on_slow(view.candidates);
    const std::string application = "slow: the application, the network is as the others'";
    EXPECT_EQ(view.candidates[0].why, "");
    EXPECT_EQ(view.candidates[4].why, application);
    EXPECT_EQ(view.candidates[5].why, "slow: the network, connecting takes long too");
    EXPECT_EQ(view.candidates[6].why, application);
    EXPECT_EQ(view.candidates[7].why, "slow: the network or the application, no connect tells");
    view.candidates.push_back({"10.0.0.8:80", false, 0, "weight 0: no new connections", {}});
    expect_golden("explain.txt", render_explain(view, Format::kTable));
    expect_golden("explain.yaml", render_explain(view, Format::kYaml));
}

std::vector<FlowView> flows() {
    FlowView opened{"2026-01-31T12:00:00.123Z",
                    "opened",
                    "frontend.shop",
                    "orders.shop",
                    80,
                    "TCP",
                    "10.96.0.10:80",
                    "10.0.0.2:8080",
                    "",
                    ""};
    FlowView closed = opened, failed = opened, refused = opened, udp = opened, gap;
    closed.time = "2026-01-31T12:00:01.456Z";
    closed.verdict = failed.verdict = refused.verdict = udp.verdict = "closed";
    closed.cutOffBy = "endpoint";
    closed.durationSeconds = 1.333;
    closed.connectSeconds = 85e-6;
    closed.firstByteSeconds = 0.0123;
    closed.rttSeconds = 60e-6;
    closed.bytesSent = 1234;
    closed.bytesReceived = 567890;
    closed.retransmits = 2;
    failed.verdict = refused.verdict = "failed";
    failed.reason = "timeout";
    failed.durationSeconds = 12.3;
    refused.reason = "no_endpoint";
    refused.endpoint = "none";
    udp.service = "dns.shop";
    udp.port = 53;
    udp.protocol = "UDP";
    udp.endpoint = "[fd00::1:53]:53";
    udp.workload = "a-caller-with-a-long-name.shop";
    gap.verdict = "lost";
    gap.lost = 12;
    gap.leftOut = 3400;
    return {opened, closed, gap, failed, refused, udp};
}

TEST(Screen, Flows) {
    std::string text = flow_header();
    for (const auto& flow : flows())
        text += render_flow(flow);
    expect_golden("flows.txt", text);
    expect_golden("flows.json", render_flows_document(flows(), Format::kJson));
}

TEST(Screen, FlowFilters) {
    const auto all = flows();
    const auto count = [&](const FlowFilter& filter) {
        return std::count_if(all.begin(), all.end(),
                             [&](const FlowView& flow) { return filter.takes(flow); });
    };
    EXPECT_EQ(count({}), 6);
    EXPECT_EQ(count({.workload = "frontend.shop"}), 5) << "the gap stays";
    EXPECT_EQ(count({.service = "dns.shop"}), 2);
    EXPECT_EQ(count({.endpoint = "none"}), 2);
    EXPECT_EQ(count({.verdict = "closed"}), 3);
    EXPECT_EQ(count({.reason = "timeout"}), 2);
    EXPECT_EQ(count({.slower_than = 0.01}), 3);
    EXPECT_EQ(count({.slower_than = 0.1}), 2);
    EXPECT_EQ(count({.since = "2026-01-31T12:00:01"}), 1) << "a gap without a time is old";
}

TEST(Screen, Status) {
    expect_golden("status.txt", render_status(status(), Format::kTable));
    expect_golden("status-wide.txt", render_status(status(), Format::kWide));
    expect_golden("status.json", render_status(status(), Format::kJson));
    expect_golden("status.yaml", render_status(status(), Format::kYaml));
    expect_golden("status-trouble.txt", render_status(status_in_trouble(), Format::kTable));
    expect_golden("status-dead.txt", render_status(status_dead(), Format::kTable));
    expect_golden("status-hung.txt", render_status(status_hung(), Format::kTable));
}

TEST(Screen, Services) {
    expect_golden("services.txt", render_services(services(), Format::kTable));
    expect_golden("services-wide.txt", render_services(services(), Format::kWide));
    expect_golden("services.json", render_services(services(), Format::kJson));
    expect_golden("services.yaml", render_services(services(), Format::kYaml));
    EXPECT_EQ(render_services({}, Format::kTable), "No services.\n");
}

TEST(Screen, Edges) {
    expect_golden("edges.txt", render_edges(edges(), Format::kTable));
    expect_golden("edges-wide.txt", render_edges(edges(), Format::kWide));
    expect_golden("edges.json", render_edges(edges(), Format::kJson));
    expect_golden("edges.dot", render_edges(edges(), Format::kDot));
    EXPECT_EQ(render_edges({}, Format::kTable), "Nobody has called a service yet.\n");
}

TEST(Screen, Endpoints) {
    expect_golden("endpoints.txt", render_endpoints(endpoints(), Format::kTable));
    expect_golden("endpoints-wide.txt", render_endpoints(endpoints(), Format::kWide));
    expect_golden("endpoints.json", render_endpoints(endpoints(), Format::kJson));
    expect_golden("endpoints.yaml", render_endpoints(endpoints(), Format::kYaml));
}

TEST(Screen, Check) {
    expect_golden("check.txt", render_checks(checks(), Format::kTable));
    expect_golden("check.json", render_checks(checks(), Format::kJson));
    EXPECT_FALSE(all_passed(checks()));
}

TEST(Screen, Diff) {
    const auto mesh = [](const std::string& text) {
        return read_mesh(MeshText{"", {{"m.yaml", text}}}).snapshot;
    };
    const auto before = mesh(
        "services:\n  a: {addresses: [10.0.0.1], ports: [{port: 80}], endpoints: [{address: "
        "10.1.0.1}, {address: 10.1.0.2}]}\n"
        "  gone: {addresses: [10.0.0.2], ports: [{port: 80}]}\n");
    const auto after = mesh(
        "services:\n  a: {addresses: [10.0.0.1, 10.0.0.3], ports: [{port: 80, targetPort: 81}, "
        "{port: 90}], balance: {algorithm: round-robin},"
        " endpoints: [{address: 10.1.0.1, weight: 9}, {address: 10.1.0.3}]}\n"
        "workloads:\n  w: {cgroup: x*}\n");
    ASSERT_TRUE(before && after);
    expect_golden("diff.txt", render_changes(describe_changes(*before, *after), Format::kTable));
    expect_golden("diff.json", render_changes(describe_changes(*before, *after), Format::kJson));
    EXPECT_EQ(render_changes(describe_changes(*before, *before), Format::kTable), "No changes.\n");
}

TEST(Screen, ViewsSurviveTheControlSocket) {
    for (const auto& view : {status(), status_in_trouble(), status_dead()}) {
        const auto back = nlohmann::json::parse(nlohmann::json(view).dump()).get<StatusView>();
        EXPECT_EQ(render_status(back, Format::kWide), render_status(view, Format::kWide));
    }
    const auto back =
        nlohmann::json::parse(nlohmann::json(endpoints()).dump()).get<std::vector<EndpointView>>();
    EXPECT_EQ(render_endpoints(back, Format::kWide), render_endpoints(endpoints(), Format::kWide));
}

TEST(Screen, Ages) {
    EXPECT_EQ(age_str(-1), "never");
    EXPECT_EQ(age_str(0.4), "0s");
    EXPECT_EQ(age_str(185), "3m5s");
    EXPECT_EQ(age_str(3600), "1h");
    EXPECT_EQ(age_str(90000), "1d1h");
}

TEST(Screen, TablesAlignByScreenColumns) {
    Table table({"A", "B"});
    table.add({"\xc3\xa4\xc3\xb6", "x"});
    EXPECT_EQ(table.str(), "A    B\n\xc3\xa4\xc3\xb6   x\n");
}

// What the file says comes with its line, what it leaves out as "default", what the node says with
// the node's line.
TEST(Screen, ServiceConfig) {
    const auto reading = read_mesh(MeshText{"/etc/weir/mesh.d", {{"shop.yaml", R"(services:
  orders.shop:
    addresses: [10.96.0.10, "fd00::10"]
    ports: [{name: http, port: 80, targetPort: 8080, appProtocol: http}, {port: 53, protocol: UDP}]
    endpoints:
      - {address: 10.0.0.2, zone: a, labels: {version: v1}}
      - {address: 10.0.0.3, weight: 0}
    balance: {algorithm: round-robin}
    affinity: {timeout: 90m}
    outlierDetection: {consecutiveFailures: 5}
    observe: {datagrams: true, events: 1/8}
    mode: observe
  plain.shop:
    addresses: [10.96.0.11]
    ports: [{port: 80}]
    affinity: {}
)"}}});
    ASSERT_TRUE(reading.snapshot);
    const std::vector<std::shared_ptr<const Service>> both(reading.snapshot->services.begin(),
                                                           reading.snapshot->services.end());
    const NodeMode steer{Mode::kSteer, "default"}, off{Mode::kOff, "/etc/weir/agent.yaml:2:7"};
    expect_golden("config-service.txt", render_service_config(both, steer, Format::kTable));
    expect_golden("config-service.json", render_service_config(both, steer, Format::kJson));
    expect_golden("config-service-node-off.txt",
                  render_service_config({both[0]}, off, Format::kTable));
}

}  // namespace
}  // namespace weir

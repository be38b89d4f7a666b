// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/json.h"

#include <cmath>

#include "bpf/core/latency.h"

namespace weir {

// Failures that never happened are left out.
void to_json(nlohmann::json& out, const EdgeCounts& counts) {
    auto failed_by = nlohmann::json::object();
    for (std::size_t i = 0; i < counts.failed_by.size(); i++)
        if (counts.failed_by.at(i) != 0)
            failed_by[std::string(kFailureNames.at(i).name)] = counts.failed_by.at(i);
    out = {{"opened", counts.opened},
           {"closed", counts.closed},
           {"failed", counts.failed},
           {"failedBy", std::move(failed_by)},
           {"active", counts.active},
           {"untracked", counts.untracked},
           {"bytesSent", counts.bytes_sent},
           {"bytesReceived", counts.bytes_received},
           {"retransmits", counts.retransmits},
           {"resetsSent", counts.resets_sent},
           {"resetsReceived", counts.resets_received},
           {"datagramsSent", counts.datagrams_sent},
           {"datagramsReceived", counts.datagrams_received}};
}

void from_json(const nlohmann::json& in, EdgeCounts& counts) {
    in.at("opened").get_to(counts.opened);
    in.at("closed").get_to(counts.closed);
    in.at("failed").get_to(counts.failed);
    in.at("active").get_to(counts.active);
    in.at("untracked").get_to(counts.untracked);
    in.at("bytesSent").get_to(counts.bytes_sent);
    in.at("bytesReceived").get_to(counts.bytes_received);
    in.at("retransmits").get_to(counts.retransmits);
    in.at("resetsSent").get_to(counts.resets_sent);
    in.at("resetsReceived").get_to(counts.resets_received);
    in.at("datagramsSent").get_to(counts.datagrams_sent);
    in.at("datagramsReceived").get_to(counts.datagrams_received);
    for (std::size_t i = 0; i < counts.failed_by.size(); i++)
        counts.failed_by.at(i) =
            in.at("failedBy").value(std::string(kFailureNames.at(i).name), std::uint64_t{0});
}

namespace {

// Buckets that are not empty, by the least time that falls into them.
nlohmann::json json_of(const Histogram& histogram) {
    auto buckets = nlohmann::json::array();
    for (std::uint32_t i = 0; i < histogram.buckets.size(); i++)
        if (histogram.buckets[i] != 0)
            buckets.push_back({weir_latency_floor_us(i), histogram.buckets[i]});
    return {{"count", histogram.count()},
            {"sumSeconds", histogram.sum()},
            {"p50Seconds", histogram.quantile(0.5).value_or(0)},
            {"p95Seconds", histogram.quantile(0.95).value_or(0)},
            {"p99Seconds", histogram.quantile(0.99).value_or(0)},
            {"bucketsMicroseconds", std::move(buckets)}};
}

void read_histogram(const nlohmann::json& in, Histogram& histogram) {
    histogram.sum_us =
        static_cast<std::uint64_t>(std::llround(in.at("sumSeconds").get<double>() * 1e6));
    for (const auto& bucket : in.at("bucketsMicroseconds")) {
        histogram.buckets.resize(WEIR_LATENCY_BUCKETS);
        histogram.buckets.at(weir_latency_bucket(bucket.at(0).get<std::uint64_t>())) =
            bucket.at(1).get<std::uint64_t>();
    }
}

}  // namespace

// Times that were never taken are left out.
void to_json(nlohmann::json& out, const Latencies& latencies) {
    out = nlohmann::json::object();
    if (latencies.connect.count() != 0)
        out["connect"] = json_of(latencies.connect);
    if (latencies.rtt.count() != 0)
        out["rtt"] = json_of(latencies.rtt);
    if (latencies.first_byte.count() != 0)
        out["firstByte"] = json_of(latencies.first_byte);
    if (latencies.left_out != 0)
        out["connectionsLeftOut"] = latencies.left_out;
}

void from_json(const nlohmann::json& in, Latencies& latencies) {
    if (const auto connect = in.find("connect"); connect != in.end())
        read_histogram(*connect, latencies.connect);
    if (const auto rtt = in.find("rtt"); rtt != in.end())
        read_histogram(*rtt, latencies.rtt);
    if (const auto first_byte = in.find("firstByte"); first_byte != in.end())
        read_histogram(*first_byte, latencies.first_byte);
    latencies.left_out = in.value("connectionsLeftOut", std::uint64_t{0});
}

void to_json(nlohmann::json& out, const StatusView& view) {
    out = {{"agentRunning", view.agentRunning},
           {"agentHangs", view.agentHangs},
           {"agentPid", view.agentPid},
           {"heartbeatAgeSeconds", view.heartbeatAgeSeconds},
           {"generation", view.generation},
           {"publishedAgoSeconds", view.publishedAgoSeconds},
           {"meshDigest", view.meshDigest},
           {"services", view.services},
           {"servicePorts", view.servicePorts},
           {"endpoints", view.endpoints},
           {"workloads", view.workloads},
           {"hooks", view.hooks},
           {"tables", view.tables},
           {"reasons", view.reasons},
           {"relinked", view.relinked},
           {"repaired", view.repaired},
           {"events", view.events},
           {"ejectedEndpoints", view.ejected},
           {"mode", view.mode},
           {"switches", view.switches},
           {"agent", nullptr}};
    if (view.agent)
        out["agent"] = *view.agent;
}

void from_json(const nlohmann::json& in, StatusView& view) {
    in.at("agentRunning").get_to(view.agentRunning);
    in.at("agentPid").get_to(view.agentPid);
    in.at("heartbeatAgeSeconds").get_to(view.heartbeatAgeSeconds);
    in.at("generation").get_to(view.generation);
    in.at("publishedAgoSeconds").get_to(view.publishedAgoSeconds);
    in.at("meshDigest").get_to(view.meshDigest);
    in.at("services").get_to(view.services);
    in.at("servicePorts").get_to(view.servicePorts);
    in.at("endpoints").get_to(view.endpoints);
    in.at("workloads").get_to(view.workloads);
    in.at("hooks").get_to(view.hooks);
    in.at("tables").get_to(view.tables);
    in.at("reasons").get_to(view.reasons);
    in.at("relinked").get_to(view.relinked);
    in.at("repaired").get_to(view.repaired);
    in.at("events").get_to(view.events);
    in.at("ejectedEndpoints").get_to(view.ejected);
    in.at("mode").get_to(view.mode);
    in.at("switches").get_to(view.switches);
    if (const auto agent = in.find("agent"); agent != in.end() && agent->is_object())
        view.agent = agent->get<AgentFacts>();
}

}  // namespace weir

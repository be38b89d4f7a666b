// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/json.h"

namespace weir {

// Failures that never happened are left out.
void to_json(nlohmann::json& out, const EdgeCounts& counts) {
    auto failed_by = nlohmann::json::object();
    for (std::size_t i = 0; i < counts.failed_by.size(); i++)
        if (counts.failed_by.at(i) != 0)
            failed_by[std::string(kFailureNames.at(i).name)] = counts.failed_by.at(i);
    out = {{"opened", counts.opened}, {"closed", counts.closed},
           {"failed", counts.failed}, {"failedBy", std::move(failed_by)},
           {"active", counts.active}, {"untracked", counts.untracked}};
}

void from_json(const nlohmann::json& in, EdgeCounts& counts) {
    in.at("opened").get_to(counts.opened);
    in.at("closed").get_to(counts.closed);
    in.at("failed").get_to(counts.failed);
    in.at("active").get_to(counts.active);
    in.at("untracked").get_to(counts.untracked);
    for (std::size_t i = 0; i < counts.failed_by.size(); i++)
        counts.failed_by.at(i) =
            in.at("failedBy").value(std::string(kFailureNames.at(i).name), std::uint64_t{0});
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
    in.at("mode").get_to(view.mode);
    in.at("switches").get_to(view.switches);
    if (const auto agent = in.find("agent"); agent != in.end() && agent->is_object())
        view.agent = agent->get<AgentFacts>();
}

}  // namespace weir

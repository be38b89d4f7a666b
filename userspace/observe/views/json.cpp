// SPDX-License-Identifier: Apache-2.0
#include "userspace/observe/views/json.h"

namespace weir {

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

// SPDX-License-Identifier: Apache-2.0
// Views as JSON and back: what the control socket carries and what `-o json` prints. Field names
// are the structs'.
#pragma once

#include <nlohmann/json.hpp>

#include "userspace/observe/views/explain.h"
#include "userspace/observe/views/flows.h"
#include "userspace/observe/views/services.h"
#include "userspace/observe/views/status.h"
#include "userspace/observe/views/unmanaged.h"

namespace weir {

void to_json(nlohmann::json& out, const EdgeCounts& counts);
void from_json(const nlohmann::json& in, EdgeCounts& counts);
void to_json(nlohmann::json& out, const Latencies& latencies);
void from_json(const nlohmann::json& in, Latencies& latencies);
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(EdgeView, workload, service, port, protocol, endpoint, counts,
                                   latencies)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ServiceView, name, port, protocol, portName, addresses,
                                   algorithm, affinitySeconds, mode, endpoints, state, counts)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(EndpointView, service, port, protocol, endpoint, weight, zone,
                                   labels, share, state, counts, reason, sinceSeconds, untilSeconds,
                                   answerSeconds)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CandidateView, endpoint, in, share, why, counts, latencies,
                                   answerSeconds)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ExplainView, from, to, service, address, protocol, verdict, why,
                                   algorithm, affinitySeconds, candidates)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FlowView, time, verdict, workload, service, port, protocol,
                                   address, endpoint, reason, cutOffBy, durationSeconds,
                                   connectSeconds, firstByteSeconds, rttSeconds, bytesSent,
                                   bytesReceived, retransmits, lost, leftOut)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(UnmanagedView, workload, destination, protocol, connects)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FlowsView, epoch, next, flows)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(UpkeepView, task, undone, error, failures)
// With defaults: a command may ask an agent of the version before, which knows fewer of them.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AgentFacts, version, meshErrors, meshWarnings,
                                                refused, applyError, saveError, lostFeatures,
                                                meshDigest, meshReads, meshRejections, staleSeconds,
                                                upkeep)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(EventCounts, produced, delivered, lost)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(HookView, name, attached)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ReasonView, name, count, meaning)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SwitchView, service, secondsLeft, what, endpoint)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Fill, table, used, capacity)

void to_json(nlohmann::json& out, const StatusView& view);
void from_json(const nlohmann::json& in, StatusView& view);

}  // namespace weir

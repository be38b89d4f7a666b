// SPDX-License-Identifier: Apache-2.0
// The state of weir on this node in one value: agent, mesh, hooks, tables, and what went wrong.
// Made from the tables alone where there is no agent, with what only the agent knows where there
// is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "userspace/model/mesh_text.h"
#include "userspace/observe/views/switches.h"

namespace weir {

// Of what the agent does again and again.
struct UpkeepView {
    std::string task;
    std::string undone;  // what it means while it fails
    std::string error;   // of the last turn; empty: it succeeded
    std::uint64_t failures = 0;
};

// "tidy: rows … are not freed: cannot run …"
std::string upkeep_str(const UpkeepView& view);

// What only a running agent can tell.
struct AgentFacts {
    std::string version;
    std::vector<std::string> meshErrors;    // of the directory as it is now; empty: it is in force
    std::vector<std::string> meshWarnings;  // of the mesh in force
    std::vector<std::string> refused;       // what a table has no room for
    std::string applyError;  // why the kernel did not take the mesh; tried again each second
    std::string saveError;   // why the last good mesh could not be saved
    std::vector<std::string> lostFeatures;  // with the kernel's reason
    std::string meshDigest;                 // of the directory as it was read last, good or bad
    std::uint64_t meshReads = 0;            // how often it was read
    std::uint64_t meshRejections = 0;       // how often it was bad
    std::vector<UpkeepView> upkeep;
    std::vector<Fill> taken;  // tables whose rows it hands out, those still held included
    double staleSeconds = 0;  // how long the mesh in force is not the directory's
};

// produced = delivered + lost + what is in the ring.
struct EventCounts {
    std::uint64_t produced = 0;
    std::uint64_t delivered = 0;  // to the agent
    std::uint64_t lost = 0;       // the ring was full, or they were of a build before this one
};

struct HookView {
    std::string name;
    bool attached = false;
};

struct ReasonView {
    std::string name;
    std::uint64_t count = 0;
    std::string meaning;
};

struct StatusView {
    bool agentRunning = false;
    bool agentHangs = false;  // there, but it does not answer
    std::uint64_t agentPid = 0;
    double heartbeatAgeSeconds = -1;  // -1: it left in order, or never was
    std::uint64_t generation = 0;
    double publishedAgoSeconds = -1;
    std::string meshDigest;  // of the mesh in force
    std::uint32_t services = 0, servicePorts = 0, endpoints = 0, workloads = 0;
    std::vector<HookView> hooks;
    std::vector<Fill> tables;
    std::vector<ReasonView> reasons;  // all, in a fixed order
    std::uint64_t relinked = 0;
    std::uint64_t repaired = 0;
    EventCounts events;
    std::uint32_t ejected = 0;         // endpoints that are out
    std::string mode;                  // of the node: steer, observe, off
    std::vector<SwitchView> switches;  // what is off by hand
    std::optional<AgentFacts> agent;
};

// `agent`: nullptr when it is dead.
// `names`: of the same tables and snapshot.
Result<StatusView> status_view(const Tables& tables, const Snapshot& snapshot, const Names& names,
                               std::vector<HookView> hooks, const AgentFacts* agent);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/mesh_follower.h"

#include <ctime>

#include "userspace/observe/logs/log.h"
#include "userspace/source/mesh_file.h"

namespace weir {

MeshFollower::MeshFollower(Engine& engine, std::string state_directory, std::string version)
    : engine_(engine), state_directory_(std::move(state_directory)) {
    facts_.version = std::move(version);
}

Status MeshFollower::restore() {
    auto state = load_state(state_directory_);
    if (!state && state.error().code == ENOENT)
        return {};
    if (!state) {
        log::warn("state-refused", state.error().message);
        return {};
    }
    const auto generation = state->generation;
    const Reading reading = read_mesh(std::move(state->mesh));
    if (!reading.snapshot) {
        log::warn("state-refused", "the saved mesh is not valid for this version",
                  {{"error.message", reading.found.sorted().front().str()}});
        return {};
    }
    log::info("state-restored", "the last good mesh is in force again",
              {{"weir.generation", std::to_string(generation)}});
    return apply(reading.snapshot, reading.text);
}

Status MeshFollower::take(const Reading& reading) {
    facts_.meshReads++;
    facts_.meshDigest = digest_str(reading.text.digest());
    facts_.meshErrors.clear();
    if (!reading.snapshot) {
        facts_.meshRejections++;
        for (const auto& found : reading.found.sorted()) {
            facts_.meshErrors.push_back(found.str());
            log::error("mesh-rejected", found.str(),
                       {{"weir.generation", std::to_string(engine_.generation())}});
        }
        pending_.reset();
        mark_stale(true);
        return {};
    }
    facts_.meshWarnings.clear();
    for (const auto& found : reading.found.sorted()) {
        facts_.meshWarnings.push_back(found.str());
        log::warn("mesh-warning", found.str());
    }
    return apply(reading.snapshot, reading.text);
}

Status MeshFollower::apply(const std::shared_ptr<const Snapshot>& snapshot, const MeshText& text) {
    const auto report = engine_.apply(*snapshot);
    if (!report) {
        pending_ = snapshot;
        pending_text_ = text;
        mark_stale(true);
        return tl::unexpected(report.error());
    }
    in_force_ = snapshot;
    pending_.reset();
    mark_stale(false);
    facts_.refused.clear();
    for (const auto& refusal : report->refusals) {
        facts_.refused.push_back(refusal.service_port + ": " + refusal.reason);
        log::error("service-port-refused",
                   refusal.service_port + " stays as it was: " + refusal.reason);
    }
    if (report->operations > 0)
        log::info("mesh-published", "a generation is in the kernel",
                  {{"weir.generation", std::to_string(report->generation)},
                   {"weir.operations", std::to_string(report->operations)}});
    SavedState state{report->generation, static_cast<std::int64_t>(::time(nullptr)), text};
    if (auto saved = save_state(state_directory_, state); !saved)
        log::error("state-not-saved", saved.error().message);
    return {};
}

bool MeshFollower::retry() {
    if (!pending_)
        return true;
    const auto snapshot = pending_;
    const auto text = pending_text_;
    if (auto applied = apply(snapshot, text); !applied) {
        log::error("apply-failed", applied.error().message);
        return false;
    }
    return true;
}

void MeshFollower::mark_stale(bool stale) {
    if (stale && !stale_)
        stale_since_ = std::chrono::steady_clock::now();
    stale_ = stale;
}

AgentFacts MeshFollower::facts() const {
    AgentFacts facts = facts_;
    if (stale_)
        facts.staleSeconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - stale_since_).count();
    return facts;
}

}  // namespace weir

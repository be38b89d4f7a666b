// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/mesh_follower.h"

#include <ctime>

#include "userspace/observe/logs/log.h"
#include "userspace/source/mesh_reader.h"

namespace weir {

MeshFollower::MeshFollower(Engine& engine, std::string state_directory, std::string version)
    : engine_(engine), store_(std::move(state_directory)) {
    facts_.version = std::move(version);
}

void MeshFollower::recall() {
    auto state = load_state(store_.directory());
    if (!state && state.error().code == ENOENT)
        return;
    if (!state) {
        log::warn("state-refused", state.error().message);
        auto history = load_history(store_.directory());
        if (!history || history->empty())
            return;
        state = std::move(history->back());
    }
    Reading reading = read_mesh(std::move(state->mesh));
    if (!reading.snapshot) {
        log::warn("state-refused", "the saved mesh is not valid for this version",
                  {{"error.message", reading.found.sorted().front().str()}});
        return;
    }
    engine_.recall(*reading.snapshot);
    recalled_ = std::move(reading);
}

Status MeshFollower::restore() {
    if (!recalled_)
        return {};
    log::info("state-restored", "the last good mesh is in force again");
    return apply(*recalled_);
}

Status MeshFollower::take(const Reading& reading) {
    recalled_.reset();  // from now on it is in force, or was replaced
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
        mark_stale(true);  // what is pending of the last good mesh is still brought to its end
        return {};
    }
    facts_.meshWarnings.clear();
    for (const auto& found : reading.found.sorted()) {
        facts_.meshWarnings.push_back(found.str());
        log::warn("mesh-warning", found.str());
    }
    return apply(reading);
}

// Saved before it is published: a crash in between leaves a state that is newer than the kernel,
// which a restart brings into force; the other way round it would take the kernel back.
void MeshFollower::save() {
    if (!last_good_ || last_good_->digest == saved_digest_)
        return;
    const SavedState state{engine_.generation() + 1, static_cast<std::int64_t>(::time(nullptr)),
                           last_good_text_};
    const auto saved = store_.save(state);
    if (saved)
        saved_digest_ = last_good_->digest;
    const std::string error = saved ? "" : saved.error().message;
    if (!saved && error != facts_.saveError)
        log::error("state-not-saved", error);
    facts_.saveError = error;
}

// For `weir rollback`.
void MeshFollower::remember(std::uint64_t generation) {
    if (last_good_->digest == remembered_digest_)
        return;
    const SavedState state{generation, static_cast<std::int64_t>(::time(nullptr)), last_good_text_};
    const auto added = store_.remember(state);
    if (added)
        remembered_digest_ = last_good_->digest;
    else if (added.error().message != history_error_)
        log::error("generation-not-kept", added.error().message);
    history_error_ = added ? "" : added.error().message;
}

Status MeshFollower::apply(const Reading& reading) {
    last_good_ = reading.snapshot;
    last_good_text_ = reading.text;
    return apply();
}

Status MeshFollower::apply() {
    pending_ = true;
    save();
    const auto report = engine_.apply(last_good_);
    facts_.applyError = report ? "" : report.error().message;
    if (!report) {
        mark_stale(true);
        return tl::unexpected(report.error());
    }
    in_force_ = last_good_;
    remember(report->generation);
    std::vector<std::string> refused;
    for (const auto& refusal : report->refusals)
        refused.push_back(refusal.subject + ": " + refusal.reason);
    if (refused != facts_.refused)
        for (const auto& one : refused)
            log::error("refused", one);
    facts_.refused = std::move(refused);
    pending_ = !facts_.refused.empty();  // again in a second: rows may have become free
    mark_stale(!facts_.refused.empty() || !facts_.meshErrors.empty());
    if (report->operations > 0)
        log::info("mesh-published", "a generation is in the kernel",
                  {{"weir.generation", std::to_string(report->generation)},
                   {"weir.operations", std::to_string(report->operations)}});
    return {};
}

void MeshFollower::retry() {
    if (!pending_)
        return save();
    const auto before = facts_.applyError;
    auto applied = apply();
    if (!applied && applied.error().message != before)
        log::error("apply-failed", applied.error().message);
}

void MeshFollower::mark_stale(bool stale) {
    if (stale && !stale_)
        stale_since_ = std::chrono::steady_clock::now();
    stale_ = stale;
}

std::string MeshFollower::summary() const {
    const std::string generation = "generation " + std::to_string(engine_.generation());
    if (!facts_.meshErrors.empty())
        return generation +
               " in force; the mesh directory has errors: " + facts_.meshErrors.front();
    return stale_ ? generation + " in force; a newer mesh is not taken yet"
                  : generation + " in force";
}

AgentFacts MeshFollower::facts() const {
    AgentFacts facts = facts_;
    facts.taken = {engine_.port_fill(), engine_.endpoint_fill(), engine_.slot_fill()};
    if (stale_)
        facts.staleSeconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - stale_since_).count();
    return facts;
}

}  // namespace weir

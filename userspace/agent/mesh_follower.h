// SPDX-License-Identifier: Apache-2.0
// Turns what a source reads into what is in force: applies good readings, keeps the last good one
// when a reading is bad, and remembers both for status and metrics. No I/O but through the engine
// and the saved state.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "userspace/observe/views/status.h"
#include "userspace/reconcile/engine.h"
#include "userspace/reconcile/state_store.h"
#include "userspace/source/source.h"

namespace weir {

class MeshFollower {
  public:
    MeshFollower(Engine& engine, std::string state_directory, std::string version);

    // At start, before the first reading: reads what was in force before, and gives the engine its
    // names. No state is no error.
    void recall();
    // Puts it in force again, where the first reading is bad.
    Status restore();
    // A reading, good or bad. An error is the kernel's; call retry() later.
    Status take(const Reading& reading);
    // Applies and saves again what could not be; every second or so.
    void retry();

    std::shared_ptr<const Snapshot> in_force() const { return in_force_; }
    // What is saved, and not yet safe from a crash of the machine.
    std::vector<std::string> take_unsynced() { return store_.take_unsynced(); }
    // With staleness as of now.
    AgentFacts facts() const;
    // One line for a service manager.
    std::string summary() const;
    void set_lost_features(std::vector<std::string> lost) { facts_.lostFeatures = std::move(lost); }

  private:
    Status apply(const Reading& reading);
    Status apply();
    void save();
    void remember(std::uint64_t generation);
    void mark_stale(bool stale);

    Engine& engine_;
    StateStore store_;
    AgentFacts facts_;
    std::shared_ptr<const Snapshot> in_force_ = std::make_shared<Snapshot>();
    std::optional<Reading> recalled_;
    std::shared_ptr<const Snapshot> last_good_;  // what was read, be it in force or not
    MeshText last_good_text_;
    bool pending_ = false;  // it is not in force, or not all of it
    std::uint64_t saved_digest_ = 0, remembered_digest_ = 0;
    std::string history_error_;
    std::chrono::steady_clock::time_point stale_since_;
    bool stale_ = false;
};

}  // namespace weir

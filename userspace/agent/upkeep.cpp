// SPDX-License-Identifier: Apache-2.0
// What the agent looks after again and again: that its programs are attached and its rows are its
// own, switches that end by themselves, what only an agent can do. What it cannot do is told of
// once, and counted each time.
#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cmath>

#include "userspace/agent/agent.h"
#include "userspace/model/answers.h"
#include "userspace/observe/logs/log.h"

namespace weir {
using namespace std::chrono_literals;

void Agent::note(UpkeepTask task, const Status& outcome) {
    const auto change = upkeep_.note(task, outcome);
    if (!change)
        return;
    if (change->error.empty())
        log::info("upkeep-succeeds", std::string(change->task->name) + " is done again");
    else
        log::error(change->task->failed,
                   change->error + ": " + change->task->undone +
                       " until that is mended; weir tries again every second");
}

AgentFacts Agent::facts() const {
    auto facts = follower_.facts();
    facts.upkeep = upkeep_.views();
    return facts;
}

void Agent::tell_lost_features() {
    std::vector<std::string> lost;
    for (const auto& feature : plane_.features())
        if (!feature.complete)
            lost.push_back(feature.name + ": " + feature.lost);
    if (!idle_.lost().empty())
        lost.push_back("idle: " + idle_.lost());
    follower_.set_lost_features(std::move(lost));
}

// The kernel tells of new cgroups by itself, unless it refuses the tracepoint for that.
void Agent::look_after_cgroups() {
    const bool told = std::all_of(
        plane_.features().begin(), plane_.features().end(),
        [](const FeatureState& feature) { return feature.complete || feature.name != "identity"; });
    note(UpkeepTask::kCgroups, told ? engine_.identify_left_out() : engine_.identify_all());
}

void Agent::sweep() {
    note(UpkeepTask::kSweep, engine_.sweep());
}

void Agent::tidy(Edges edges) {
    const auto had_its_turn = engine_.tidy(edges);
    if (!had_its_turn || *had_its_turn)
        note(UpkeepTask::kTidy, status_of(had_its_turn));
}

// A connection is ended within so long, and the time of a look, after its time.
constexpr auto kIdlePause = 500ms;

boost::asio::awaitable<void> Agent::keep_idle_timeouts() {
    boost::asio::steady_timer timer(loop_);
    for (;;) {
        const auto before = idle_.lost();
        if (const auto kept = idle_.look(plane_.pins(), *follower_.in_force()); !kept)
            log::error("idle-timeouts-not-kept", kept.error().message);
        if (idle_.lost() != before)
            tell_lost_features();
        timer.expires_after(kIdlePause);
        co_await timer.async_wait(boost::asio::use_awaitable);
    }
}

void Agent::look_after_switches() {
    for (const auto& change : engine_.look_at_switches()) {
        if (change.seconds > 0)
            log::warn("switched-off", "new connects are left alone: `weir on` ends it",
                      {{"weir.target", change.target},
                       {"weir.seconds", std::to_string(std::llround(change.seconds))}});
        else
            log::info("switched-on", "weir steers again", {{"weir.target", change.target}});
    }
    const auto holds = engine_.look_at_holds();
    note(UpkeepTask::kHolds, status_of(holds));
    for (const auto& change : holds.value_or(std::vector<Engine::NamedSwitch>{})) {
        if (change.seconds > 0)
            log::warn("endpoint-ejected-by-hand", "gets no new connections: `weir restore` ends it",
                      {{"weir.target", change.target},
                       {"weir.seconds", std::to_string(std::llround(change.seconds))}});
        else if (change.restored)
            log::info("endpoint-restored-by-hand", "an operator took it in again before its time",
                      {{"weir.target", change.target}});
        else
            log::info("endpoint-not-ejected-by-hand", "what an operator did has ended",
                      {{"weir.target", change.target}});
    }
}

// The hooks for it see every packet: they are attached only while some service asks.
void Agent::look_after_datagrams() {
    const auto mesh = follower_.in_force();
    if (mesh->digest == 0 || mesh == looked_at_)
        return;
    const bool wanted =
        std::any_of(mesh->services.begin(), mesh->services.end(),
                    [](const auto& service) { return watches_datagrams(*service); });
    const auto done = plane_.count_datagrams(wanted);
    note(UpkeepTask::kDatagrams, done);
    if (done)
        looked_at_ = mesh;
}

void Agent::look_after_hooks() {
    const auto repaired = plane_.repair();
    note(UpkeepTask::kHooks, status_of(repaired));
    if (!repaired || *repaired == 0)
        return;
    engine_.move_to(plane_.cgroup_id());
    engine_.count_relinked(*repaired);
    log::warn("hooks-reattached", "others had detached or removed what is weir's",
              {{"weir.hooks", std::to_string(*repaired)}});
}

void Agent::look_after_rows() {
    const auto repaired = engine_.repair();
    note(UpkeepTask::kRows, status_of(repaired));
    if (repaired && *repaired > 0)
        log::warn("rows-repaired", "others had changed rows of weir's tables",
                  {{"weir.rows", std::to_string(*repaired)}});
}

}  // namespace weir

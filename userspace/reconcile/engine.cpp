// SPDX-License-Identifier: Apache-2.0
#include "userspace/reconcile/engine.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "loader/iterators.h"
#include "maps/clock.h"
#include "userspace/reconcile/identify.h"

namespace weir {
namespace {

constexpr int kIdentifyTries = 5;

void store(__u64& word, std::uint64_t value) {
    MmapArray<weir_node>::store_word(word, value);
}

// 0: it has ended.
double seconds_until(std::uint64_t until_ns, std::uint64_t now_ns) {
    return until_ns <= now_ns ? 0.0 : static_cast<double>(until_ns - now_ns) / 1e9;
}

std::set<std::uint64_t> ids_of(const std::vector<Cgroup>& cgroups) {
    std::set<std::uint64_t> ids;
    for (const auto& cgroup : cgroups)
        ids.insert(cgroup.id);
    return ids;
}

}  // namespace

Result<Engine> Engine::start(Tables tables, std::string cgroup_mount) {
    Engine engine(std::move(tables), std::move(cgroup_mount));
    WEIR_CHECK(engine.read_live());
    return engine;
}

Status Engine::settle(AgentPrograms programs, bool counts_moved) {
    programs_ = programs;
    if (counts_moved)
        WEIR_CHECK(read_live());
    WEIR_CHECK(weir::tidy(tables_, mirror_, live_, programs_.fold, Edges::kAll));
    return identify_all();
}

// What the kernel holds, and what a writer that stopped half way has left is made whole.
Status Engine::read_live() {
    live_is_known_ = false;
    WEIR_TRY(live_, adopt(tables_));
    mend_vip_filter(tables_, live_);
    mirror_ = Mirror(tables_);
    live_is_known_ = true;
    return {};
}

Status Engine::identify_all() {
    WEIR_TRY(const auto rows, tables_.cgroup.keys());
    std::set<std::uint64_t> with_row(rows.begin(), rows.end());
    WEIR_TRY(auto known, list_cgroups(cgroup_mount_));
    auto alive = ids_of(known);
    // A cgroup made meanwhile may have its parent's workload of before: again, until none was.
    for (int tries = 0; tries < kIdentifyTries; tries++) {
        with_row.insert(alive.begin(), alive.end());
        WEIR_CHECK(identify(programs_.resolve, known));
        WEIR_TRY(known, list_cgroups(cgroup_mount_));
        const auto before = std::exchange(alive, ids_of(known));
        if (alive == before)
            break;
    }
    // One that was removed before it was given its workload: the kernel will not tell of it again.
    for (const auto id : with_row)
        if (!alive.contains(id))
            WEIR_CHECK(tables_.cgroup.erase(id));
    return {};
}

Status Engine::identify_left_out() {
    WEIR_TRY(const auto reasons, tables_.reasons());
    const auto left_out = reasons.at(WEIR_REASON_CGROUP_FULL);
    if (left_out == cgroups_left_out_)
        return {};
    WEIR_TRY(const auto info, map_info(tables_.cgroup.fd()));
    WEIR_TRY(const auto rows, tables_.cgroup.keys());
    if (rows.size() >= info.max_entries)
        return {};
    WEIR_CHECK(identify_all());
    cgroups_left_out_ = left_out;  // those that this very walk leaves out come on top
    return {};
}

Result<bool> Engine::tidy(Edges edges) {
    const std::unique_lock alone(*edges_in_use_, std::try_to_lock);
    if (!live_is_known_ || !alone)
        return false;
    WEIR_CHECK(weir::tidy(tables_, mirror_, live_, programs_.fold, edges));
    return true;
}

Status Engine::sweep() const {
    if (!programs_.sweep.is_loaded())
        return {};  // refused by the kernel, which was said
    return run_iterator(programs_.sweep, "look at the open connections");
}

Result<std::vector<char>> Engine::list_connections() const {
    return list_sockets(programs_.lists);
}

Result<std::uint64_t> Engine::repair() {
    if (!live_is_known_)
        return 0;
    WEIR_TRY(const auto mended, repairer_.look(tables_, live_, mirror_));
    auto& node = tables_.node[0];
    store(node.repaired, node.repaired + mended);
    return mended;
}

// Carries the plan out; after a failure the live state is read from the kernel again.
Status Engine::publish(const Plan& made, const BeforeWrite& before) {
    const auto done = carry_out(tables_, mirror_, made.operations, before);
    if (done && *done == made.operations.size()) {
        for (const auto& [offset, count] : made.slots_to_free)
            live_.free_slots.give_back(offset, count);
        return {};
    }
    WEIR_CHECK(read_live());
    return done ? fail("stopped after " + std::to_string(*done) + " writes")
                : Status(tl::unexpected(done.error()));
}

Result<ApplyReport> Engine::apply(std::shared_ptr<const Snapshot> snapshot,
                                  const BeforeWrite& before) {
    const std::unique_lock alone(*edges_in_use_);
    if (!live_is_known_)
        WEIR_CHECK(read_live());
    auto& node = tables_.node[0];
    const auto next = std::max(live_.generation, std::uint64_t{node.generation}) + 1;
    const auto applied = std::move(applied_);
    auto desired =
        applied ? compile_changes(*applied, *snapshot, zone_) : compile(*snapshot, zone_);
    desired.excluded = excluded_;
    const Plan made = plan(live_, desired, next);
    cgroups_are_current_ = cgroups_are_current_ && !made.patterns_changed;
    generation_is_stored_ = generation_is_stored_ && made.operations.empty();
    if (generation_is_stored_)
        live_.generation = next - 1;
    WEIR_CHECK(publish(made, before));
    if (!cgroups_are_current_)
        WEIR_CHECK(identify_all());
    cgroups_are_current_ = true;
    if (!generation_is_stored_) {
        live_.generation = next;
        store(node.generation_ns, monotonic_ns());
        store(node.generation, next);
    }
    generation_is_stored_ = true;
    store(node.mesh_digest, snapshot->digest);
    if (made.refusals.empty())
        applied_ = std::move(snapshot);
    return ApplyReport{live_.generation, made.operations.size(), made.refusals};
}

void Engine::beat() {
    store(tables_.node[0].heartbeat_ns, monotonic_ns());
}

void Engine::count_relinked(int links) {
    auto& node = tables_.node[0];
    store(node.relinked, node.relinked + static_cast<std::uint64_t>(links));
}

void Engine::enter(std::uint64_t cgroup_id) {
    auto& node = tables_.node[0];
    store(node.started_ns, monotonic_ns());
    store(node.agent_pid, static_cast<std::uint64_t>(::getpid()));
    move_to(cgroup_id);
    beat();
}

void Engine::move_to(std::uint64_t cgroup_id) {
    store(tables_.node[0].cgroup, cgroup_id);
}

void Engine::leave() {
    store(tables_.node[0].heartbeat_ns, 0);
}

std::uint32_t Engine::port_rows() const {
    return live_.ports.empty() ? 0 : live_.ports.rbegin()->first + 1;
}

std::string Engine::port_name(std::uint32_t svc_port) const {
    const auto port = live_.ports.find(svc_port);
    return port == live_.ports.end() ? "a service port that left" : port->second.name;
}

std::vector<Engine::NamedSwitch> Engine::look_at_switches() {
    std::vector<NamedSwitch> changes;
    const auto now = monotonic_ns();
    for (const auto& change : switches_.look(tables_, port_rows(), now))
        changes.push_back({change.detection   ? "outlier detection of this node"
                           : !change.svc_port ? "this node"
                                              : port_name(*change.svc_port),
                           seconds_until(change.until_ns, now)});
    return changes;
}

Result<std::vector<Engine::NamedSwitch>> Engine::look_at_holds() {
    std::vector<NamedSwitch> changes;
    const auto now = monotonic_ns();
    WEIR_TRY(const auto seen, holds_.look(tables_, port_rows(), now));
    for (const auto& change : seen)
        changes.push_back({endpoint_str(Addr(change.endpoint.addr), ntohs(change.endpoint.port)) +
                               " of " + port_name(change.row.svc_port),
                           seconds_until(change.until_ns, now), change.restored});
    return changes;
}

void Engine::set_mode(Mode mode) {
    store(tables_.node[0].mode, static_cast<std::uint64_t>(mode));
}

Fill Engine::endpoint_fill() const {
    const auto size = tables_.endpoint.size();
    return {"weir_endpoint", size - live_.free_endpoints.free_rows(), size};
}

Fill Engine::slot_fill() const {
    const auto size = tables_.slot.size();
    return {"weir_slot", size - live_.free_slots.free_rows(), size};
}

Fill Engine::port_fill() const {
    const auto size = tables_.svc_port.size();
    return {"weir_svc_port", size - live_.free_ports.free_rows(), size};
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
#include "userspace/reconcile/engine.h"

#include <unistd.h>

#include <ctime>

#include "userspace/reconcile/identify.h"

namespace weir {
namespace {

void store(__u64& word, std::uint64_t value) {
    MmapArray<weir_node>::store_word(word, value);
}

}  // namespace

std::uint64_t monotonic_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(now.tv_nsec);
}

Result<Engine> Engine::start(Tables tables, int resolve, std::string cgroup_mount) {
    Engine engine(std::move(tables), resolve, std::move(cgroup_mount));
    WEIR_TRY(engine.live_, adopt(engine.tables_));
    WEIR_CHECK(identify(resolve, list_cgroups(engine.cgroup_mount_)));
    return engine;
}

Result<ApplyReport> Engine::apply(const Snapshot& snapshot, const BeforeWrite& before) {
    const auto next = live_.generation + 1;
    const Plan made = plan(live_, compile(snapshot), next);
    if (made.operations.empty())
        live_.generation = next - 1;
    const auto done = carry_out(tables_, made.operations, before);
    if (!done || *done < made.operations.size()) {
        WEIR_TRY(live_, adopt(tables_));
        return done ? fail("stopped after " + std::to_string(*done) + " writes")
                    : tl::unexpected(done.error());
    }
    for (const auto& [offset, count] : made.slots_to_free)
        live_.free_slots.give_back(offset, count);
    if (made.patterns_changed)
        WEIR_CHECK(identify(resolve_, list_cgroups(cgroup_mount_)));
    auto& node = tables_.node[0];
    if (!made.operations.empty()) {
        store(node.generation_ns, monotonic_ns());
        store(node.generation, live_.generation);
    }
    store(node.mesh_digest, snapshot.digest);
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
    store(node.cgroup, cgroup_id);
    beat();
}

void Engine::leave() {
    store(tables_.node[0].heartbeat_ns, 0);
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

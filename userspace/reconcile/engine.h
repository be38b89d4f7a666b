// SPDX-License-Identifier: Apache-2.0
// Brings the kernel's tables to the desired state and keeps count of generations. One thread at a
// time. No parsing, no HTTP, no logging: it reports.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "maps/tables.h"
#include "userspace/model/plan.h"
#include "userspace/reconcile/adopt.h"
#include "userspace/reconcile/table_writer.h"

namespace weir {

struct ApplyReport {
    std::uint64_t generation = 0;  // in the kernel now
    std::size_t operations = 0;    // 0: it was the same already
    std::vector<Refusal> refusals;
};

class Engine {
  public:
    // `resolve`: descriptor of weir_resolve; `cgroup_mount`: of the cgroup2 tree.
    static Result<Engine> start(Tables tables, int resolve, std::string cgroup_mount);

    // After an error the live state is what the kernel holds; calling again goes on from there.
    Result<ApplyReport> apply(const Snapshot& snapshot, const BeforeWrite& before = {});
    // Frees rows that nothing leads to and no socket holds. Cheap; every second or so.
    Status tidy() { return free_what_left(tables_, live_); }
    // The agent's sign of life in the node row; CLOCK_MONOTONIC.
    void beat();
    void count_relinked(int links);
    // The agent leaves in order.
    void leave();
    void enter(std::uint64_t cgroup_id);

    const Tables& tables() const { return tables_; }
    std::uint64_t generation() const { return live_.generation; }
    Fill endpoint_fill() const;
    Fill slot_fill() const;
    Fill port_fill() const;

  private:
    Engine(Tables tables, int resolve, std::string mount)
        : tables_(std::move(tables)), resolve_(resolve), cgroup_mount_(std::move(mount)) {}

    Tables tables_;
    int resolve_;
    std::string cgroup_mount_;
    LiveState live_;
};

// CLOCK_MONOTONIC, what bpf_ktime_get_ns() reads.
std::uint64_t monotonic_ns();

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
// Brings the kernel's tables to the desired state and keeps count of generations. One thread at a
// time. No parsing, no HTTP, no logging: it reports.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "loader/data_plane.h"
#include "maps/tables.h"
#include "userspace/model/plan.h"
#include "userspace/reconcile/adopt.h"
#include "userspace/reconcile/holds.h"
#include "userspace/reconcile/repair.h"
#include "userspace/reconcile/switches.h"
#include "userspace/reconcile/table_writer.h"
#include "userspace/reconcile/tidy.h"

namespace weir {

struct ApplyReport {
    std::uint64_t generation = 0;  // in the kernel now
    std::size_t operations = 0;    // 0: it was the same already
    std::vector<Refusal> refusals;
};

class Engine {
  public:
    // Reads what the kernel holds and puts it in order; before the programs are attached, which
    // may need tables that their predecessors did not. `cgroup_mount`: of the cgroup2 tree.
    static Result<Engine> start(Tables tables, std::string cgroup_mount);
    // Once the programs are attached and no others work on the tables; before anything else.
    // `counts_moved`: what sockets hold was not in these tables at the start.
    Status settle(AgentPrograms programs, bool counts_moved);

    // What was in force before this start, where it is known; before the first apply.
    void recall(const Snapshot& before) { recall_names(live_, compile(before, zone_)); }
    // After an error the live state is what the kernel holds; calling again goes on from there.
    Result<ApplyReport> apply(std::shared_ptr<const Snapshot> snapshot,
                              const BeforeWrite& before = {});
    Result<ApplyReport> apply(Snapshot snapshot, const BeforeWrite& before = {}) {
        return apply(std::make_shared<const Snapshot>(std::move(snapshot)), before);
    }
    // Frees what nothing leads to and no socket holds, unless somebody holds what hold_edges()
    // gave: false then. Every second or so: cheap; now and then with Edges::kAll.
    Result<bool> tidy(Edges edges = Edges::kOfFreedRows);
    // The mesh does not change, and counts do not move from edge to edge, while it is held: for who
    // sums them, in any thread. The loop waits for it: to read, not to write text.
    std::unique_lock<std::mutex> hold_edges() const { return std::unique_lock(*edges_in_use_); }
    // Writes again what others changed in a share of the rows; how many. Every second or so.
    Result<std::uint64_t> repair();
    // Gives every cgroup its workload again, and forgets those that are gone. After the programs
    // are attached, so that none made meanwhile is missed.
    Status identify_all();
    // The same, once there is room for cgroups that the table had none for. Every second or so.
    Status identify_left_out();
    // Brings what open connections have moved onto their edges; every few seconds.
    Status sweep() const;
    // The open connections, one weir_event after the other. In any thread.
    Result<std::vector<char>> list_connections() const;
    // The agent's sign of life in the node row; CLOCK_MONOTONIC.
    void beat();
    void count_relinked(int links);
    // For the reader of events, which keeps its counts there.
    weir_node& node() { return tables_.node[0]; }
    // The agent leaves in order.
    void leave();
    void enter(std::uint64_t cgroup_id);
    // The cgroup that the programs are attached at is another one now.
    void move_to(std::uint64_t cgroup_id);
    // Of the whole node; the cgroup patterns it leaves alone, from the next apply on.
    void set_mode(Mode mode);
    void set_excluded(std::vector<std::string> patterns) {
        excluded_ = std::move(patterns);
        applied_.reset();
    }
    // Which zone this node is in, from the next apply on; "": in none.
    void set_zone(std::string zone) {
        zone_ = std::move(zone);
        applied_.reset();
    }
    // What was switched off or on by hand since the last look; 0 seconds: on again.
    struct NamedSwitch {
        std::string target;
        double seconds;
        bool restored = false;  // an endpoint that outlier detection had out
    };
    std::vector<NamedSwitch> look_at_switches();

    // Endpoints that were ejected or restored by hand since the last look, or are not out any more.
    Result<std::vector<NamedSwitch>> look_at_holds();

    const Tables& tables() const { return tables_; }
    std::uint64_t generation() const { return live_.generation; }
    Fill endpoint_fill() const;
    Fill slot_fill() const;
    Fill port_fill() const;

  private:
    Engine(Tables tables, std::string mount)
        : tables_(std::move(tables)), cgroup_mount_(std::move(mount)) {}
    Status read_live();
    std::uint32_t port_rows() const;  // of svc_port that may be in use
    std::string port_name(std::uint32_t svc_port) const;
    Status publish(const Plan& made, const BeforeWrite& before);

    Tables tables_;
    std::unique_ptr<std::mutex> edges_in_use_ = std::make_unique<std::mutex>();
    AgentPrograms programs_;
    std::string cgroup_mount_;
    LiveState live_;
    std::vector<std::string> excluded_;
    std::string zone_;
    SwitchWatch switches_;
    HoldWatch holds_;
    Mirror mirror_;
    Repairer repairer_;
    std::uint64_t cgroups_left_out_ = 0;  // how often there was no room, when all was given out
    std::shared_ptr<const Snapshot> applied_;  // all of it is in the kernel
    bool live_is_known_ = true;        // false: a batch failed, and so did reading what it left
    bool cgroups_are_current_ = true;  // false: patterns changed, and giving them out failed
    bool generation_is_stored_ = true;
};

}  // namespace weir

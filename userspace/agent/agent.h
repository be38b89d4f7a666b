// SPDX-License-Identifier: Apache-2.0
// The running agent: one loop (source, reconcile, control, heartbeat) and one worker for what takes
// long (reading the mesh, views, scrapes). They exchange immutable values only. Wiring; what could
// be tested elsewhere is elsewhere.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "loader/data_plane.h"
#include "userspace/agent/idle_timeouts.h"
#include "userspace/agent/mesh_follower.h"
#include "userspace/agent/options.h"
#include "userspace/agent/upkeep_tasks.h"
#include "userspace/control/http_server.h"
#include "userspace/control/listeners.h"
#include "userspace/observe/events/flow_store.h"
#include "userspace/observe/logs/connection_log.h"
#include "userspace/observe/metrics/series_budget.h"
#include "userspace/source/mesh_dir.h"

namespace weir {

class Agent {
  public:
    // Returns when a signal ends it. An error before that is a start that failed.
    static Status run(const AgentOptions& options, const std::string& version);

  private:
    Agent(const AgentOptions& options, DataPlane plane, Engine engine, const std::string& version);

    struct Listeners {
        std::optional<gid_t> group;  // whose members may use the control socket
        ControlSocket control;
        Fd metrics;  // none: not asked for
    };
    static Result<Listeners> listen(const AgentOptions& options);
    void serve(const Listeners& listeners);
    Status start(const Listeners& listeners);
    boost::asio::awaitable<void> follow_directory();
    boost::asio::awaitable<void> reload();
    boost::asio::awaitable<void> tick();
    boost::asio::awaitable<void> sync_state();
    boost::asio::awaitable<void> wait_for_signals();
    boost::asio::awaitable<HttpResponse> answer_control(const HttpRequest& request);
    boost::asio::awaitable<Result<std::string>> scrape();
    boost::asio::awaitable<HttpResponse> answer_metrics(const HttpRequest& request);
    void look_after_datagrams();
    void look_after_hooks();
    void look_after_rows();
    void look_after_cgroups();
    void look_after_switches();
    void tidy(Edges edges);
    void sweep();
    boost::asio::awaitable<void> keep_idle_timeouts();
    void tell_lost_features();
    void note(UpkeepTask task, const Status& outcome);
    AgentFacts facts() const;
    boost::asio::awaitable<void> read_events();
    Status log_events(std::uint64_t from);
    std::vector<HookView> hooks() const;

    AgentOptions options_;
    DataPlane plane_;
    Engine engine_;
    MeshDir source_;
    MeshFollower follower_;
    boost::asio::io_context loop_{1};
    boost::asio::thread_pool worker_{1};
    HttpCounters http_counters_;
    UpkeepTasks upkeep_;
    std::shared_ptr<const Snapshot> looked_at_;  // for whether datagrams are counted
    IdleTimeouts idle_;
    SeriesBudget budget_;  // the worker's
    FlowStore flows_;
    ConnectionLog connection_log_;
    std::uint64_t epoch_;  // of the numbers in flows_
    std::string scrape_;
    std::chrono::steady_clock::time_point scraped_at_;
};

}  // namespace weir

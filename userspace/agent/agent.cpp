// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/agent.h"

#include <malloc.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cmath>
#include <csignal>
#include <ctime>

#include "loader/machine.h"
#include "maps/clock.h"
#include "userspace/agent/on_worker.h"
#include "userspace/control/peer.h"
#include "userspace/node/cgroups.h"
#include "userspace/node/descriptors.h"
#include "userspace/node/service_manager.h"
#include "userspace/observe/events/event_reader.h"
#include "userspace/observe/logs/log.h"

namespace weir {
namespace asio = boost::asio;
using asio::awaitable;
using asio::use_awaitable;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

namespace {

// Connections never take the descriptors that the agent's own work needs, be they few.
HttpLimits http_limits() {
    constexpr std::size_t kListeners = 2, kOwn = 256;
    HttpLimits limits;
    const auto all = raise_descriptor_limit(kListeners * limits.connections + kOwn);
    limits.connections =
        std::min(limits.connections, (std::max(all, kOwn + kListeners) - kOwn) / kListeners);
    return limits;
}

constexpr std::size_t kKeptEvents = 2048;  // a quarter of a megabyte

// What an answer or a reading took goes back to the kernel once it is done.
void keep_heap_small() {
    constexpr int kLarge = 64 << 10;
    ::mallopt(M_MMAP_THRESHOLD, kLarge);
    ::mallopt(M_TRIM_THRESHOLD, 2 * kLarge);
    ::mallopt(M_ARENA_MAX, 1);
}

// Of all threads.
std::chrono::nanoseconds cpu_time() {
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

void spawn(asio::io_context& loop, awaitable<void> task) {
    asio::co_spawn(loop, std::move(task), [](const std::exception_ptr& failed) {
        if (failed)
            std::rethrow_exception(failed);  // ends the loop; main says so and exits
    });
}

}  // namespace

Agent::Agent(const AgentOptions& options, DataPlane plane, Engine engine,
             const std::string& version)
    : options_(options),
      plane_(std::move(plane)),
      engine_(std::move(engine)),
      source_(options.paths.mesh),
      follower_(engine_, options.paths.state, version),
      budget_(options.max_series),
      flows_(kKeptEvents),
      connection_log_({options.log_bad_every, options.log_sample_every, options.settings.slow_ns}),
      epoch_(monotonic_ns()) {
    tell_lost_features();
}

Result<Agent::Listeners> Agent::listen(const AgentOptions& options) {
    Listeners made;
    made.group = control_group();
    if (!options.listen.empty()) {
        WEIR_TRY(made.metrics, listen_metrics(options.listen));
    }
    WEIR_TRY(made.control, ControlSocket::listen(options.paths.socket, made.group));
    return made;
}

Status Agent::run(const AgentOptions& options, const std::string& version) {
    keep_heap_small();
    WEIR_CHECK(check_privilege());
    WEIR_CHECK(check_btf());
    WEIR_TRY(const std::string cgroup, choose_cgroup(options.paths.cgroup));
    WEIR_TRY(std::string mount, find_cgroup2());
    WEIR_CHECK(check_bpffs(options.paths.bpffs));
    WEIR_TRY(DataPlane plane, DataPlane::claim(options.paths.bpffs, cgroup));
    WEIR_TRY(const Listeners listeners, listen(options));
    WEIR_CHECK(plane.load(options.sizes, options.settings));
    WEIR_TRY(Tables tables, Tables::open(plane.pins().maps(), Access::kWrite));
    WEIR_TRY(Engine engine, Engine::start(std::move(tables), std::move(mount)));
    const bool takes_over = plane.takes_over();
    WEIR_CHECK(plane.attach());
    WEIR_CHECK(engine.settle(plane.agent_programs(), takes_over));
    plane.keep();
    engine.enter(plane.cgroup_id());
    engine.set_mode(options.mode);
    engine.set_excluded(options.excluded_cgroups);
    engine.set_zone(options.zone);
    log::start(version);
    if (takes_over)
        log::info("taken-over",
                  "rows, sockets and counts of a build with other tables are in ours");
    Agent agent(options, std::move(plane), std::move(engine), version);
    auto started = agent.start(listeners);
    if (started)
        agent.loop_.run();
    notify_service_manager("STOPPING=1\nSTATUS=the data plane stays at work");
    agent.worker_.join();
    if (auto synced = sync_files(agent.follower_.take_unsynced()); !synced)
        log::error("state-not-saved", synced.error().message);
    agent.engine_.leave();
    log::info("agent-left", "the agent leaves; its programs stay attached and go on steering");
    log::stop();
    return started;
}

Status Agent::start(const Listeners& listeners) {
    serve(listeners);
    log::info("agent-started", "programs are attached",
              {{"process.pid", std::to_string(::getpid())},
               {"weir.cgroup_id", std::to_string(plane_.cgroup_id())},
               {"weir.mesh", options_.paths.mesh}});
    for (const auto& lost : facts().lostFeatures)
        log::warn("feature-incomplete", lost);
    follower_.recall();
    const Reading reading = source_.read();
    if (!reading.snapshot)
        WEIR_CHECK(follower_.restore());
    WEIR_CHECK(follower_.take(reading));
    look_after_datagrams();
    ::malloc_trim(0);  // loading programs took megabytes that are not needed again
    notify_service_manager("READY=1\nSTATUS=" + follower_.summary());
    spawn(loop_, follow_directory());
    spawn(loop_, tick());
    spawn(loop_, keep_idle_timeouts());
    spawn(loop_, read_events());
    spawn(loop_, wait_for_signals());
    return {};
}

void Agent::serve(const Listeners& listeners) {
    using Local = asio::local::stream_protocol;
    using asio::ip::tcp;
    const auto limits = http_limits();
    spawn(loop_,
          serve_http(
              Local::acceptor(loop_, Local(), ::dup(listeners.control.fd())),
              [this](const HttpRequest& request) { return answer_control(request); },
              [group = listeners.group](int socket) { return peer_may_control(socket, group); },
              limits, http_counters_));
    if (!listeners.metrics)
        return;
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    ::getsockname(listeners.metrics.get(), reinterpret_cast<sockaddr*>(&address), &size);
    const auto family = address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4();
    spawn(loop_, serve_http(
                     tcp::acceptor(loop_, family, ::dup(listeners.metrics.get())),
                     [this](const HttpRequest& request) { return answer_metrics(request); }, limits,
                     http_counters_));
}

// A directory that changes all the time costs at most a ninth of a core; what changes once is
// taken at once.
constexpr int kPausePerCost = 8;
constexpr auto kPauseMost = std::chrono::nanoseconds(1s);

awaitable<void> Agent::follow_directory() {
    for (;;) {
        auto watch = MeshDirWatch::open(options_.paths.mesh);
        co_await reload();  // also what changed before the watch was there
        if (!watch) {
            asio::steady_timer pause(loop_, 1s);
            co_await pause.async_wait(use_awaitable);
            continue;
        }
        asio::posix::stream_descriptor readable(loop_, ::dup(watch->fd()));
        while (watch->alive()) {
            co_await readable.async_wait(asio::posix::descriptor_base::wait_read, use_awaitable);
            // A writer of many files gets a moment to finish: one reading for all of them.
            asio::steady_timer settle(loop_, 1ms);
            co_await settle.async_wait(use_awaitable);
            if (!watch->drain())
                continue;
            const auto before = cpu_time();
            co_await reload();
            settle.expires_after(std::min(kPausePerCost * (cpu_time() - before), kPauseMost));
            co_await settle.async_wait(use_awaitable);
        }
    }
}

awaitable<void> Agent::reload() {
    const auto reading = co_await on_worker(worker_, [this] { return source_.read(); });
    if (auto taken = follower_.take(reading); !taken)
        log::error("apply-failed", taken.error().message);
    ::malloc_trim(0);  // what reading it took
}

// What open connections have moved is at most so many ticks and a scrape old.
constexpr unsigned kSweepTicks = 3;
constexpr unsigned kTidyAllTicks = 60;

awaitable<void> Agent::tick() {
    asio::steady_timer timer(loop_);
    unsigned ticks = 0;
    for (;;) {
        engine_.beat();
        notify_service_manager("WATCHDOG=1\nSTATUS=" + follower_.summary());
        follower_.retry();
        spawn(loop_, sync_state());
        look_after_datagrams();
        look_after_hooks();
        look_after_rows();
        look_after_cgroups();
        look_after_switches();
        if (++ticks % kSweepTicks == 0)
            sweep();
        const auto edges = ticks % kTidyAllTicks == 0 ? Edges::kAll : Edges::kOfFreedRows;
        tidy(edges);
        timer.expires_after(1s);
        co_await timer.async_wait(use_awaitable);
    }
}

awaitable<void> Agent::sync_state() {
    auto paths = follower_.take_unsynced();
    if (paths.empty())
        co_return;
    const auto synced = co_await on_worker(worker_, [&paths] { return sync_files(paths); });
    if (!synced)
        log::error("state-not-saved", synced.error().message);
}

// Nobody is woken for an event. Without any, the reader looks less and less often.
constexpr auto kEventsPause = 100ms, kEventsPauseMost = 800ms;
constexpr std::size_t kEventsAtOnce = 2000;

// Names are read only where there is something to say.
Status Agent::log_events(std::uint64_t from) {
    std::vector<FlowEntry> entries;
    const auto now = monotonic_ns();
    flows_.each_from(from, [&](const FlowEntry& entry) {
        if (!entry.is_gap() && connection_log_.wants(entry.event, now))
            entries.push_back(entry);
    });
    if (entries.empty())
        return {};
    WEIR_TRY(const auto names, Names::read(engine_.tables(), *follower_.in_force()));
    for (const auto& flow : flow_views(entries, names))
        connection_log_.write(flow);
    return {};
}

awaitable<void> Agent::read_events() {
    asio::steady_timer timer(loop_);
    auto reader = EventReader::open(engine_.tables(), engine_.node());
    while (!reader) {
        note(UpkeepTask::kEvents, status_of(reader));
        timer.expires_after(1s);
        co_await timer.async_wait(use_awaitable);
        reader = EventReader::open(engine_.tables(), engine_.node());
    }
    std::size_t taken = 0;
    auto pause = kEventsPause;
    for (;;) {
        const auto from = flows_.next();
        const bool busy = taken != 0;
        taken = reader->take(flows_, kEventsAtOnce);
        Status done = log_events(from);
        if (done && taken < kEventsAtOnce && (busy || taken != 0))
            done = reader->show_gaps(flows_);
        note(UpkeepTask::kEvents, done);
        pause = taken != 0 ? kEventsPause : std::min(2 * pause, kEventsPauseMost);
        timer.expires_after(pause);
        co_await timer.async_wait(use_awaitable);
    }
}

awaitable<void> Agent::wait_for_signals() {
    asio::signal_set signals(loop_, SIGTERM, SIGINT, SIGHUP);
    for (;;) {
        const int signal = co_await signals.async_wait(use_awaitable);
        if (signal != SIGHUP)
            break;
        co_await reload();
    }
    loop_.stop();
}

}  // namespace weir

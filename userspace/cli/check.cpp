// SPDX-License-Identifier: Apache-2.0
// weir check: what stands between this node and a working weir, each with what to do about it.
#include <algorithm>
#include <cstdio>

#include "loader/data_plane.h"
#include "loader/machine.h"
#include "userspace/cli/check_neighbours.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/node_view.h"
#include "userspace/cli/render.h"
#include "userspace/node/cgroups.h"
#include "userspace/source/mesh_dir.h"

namespace weir {
namespace {

using Outcome = CheckResult::Outcome;

CheckResult passed(const std::string& description) {
    return {description, Outcome::kOk, "", ""};
}

// Errors of the form "what is wrong: what to do" are shown on two lines.
CheckResult from_status(const std::string& description, const Status& status) {
    if (status)
        return passed(description);
    const auto& message = status.error().message;
    const auto colon = message.rfind(": ");
    return {description, Outcome::kError, message.substr(0, colon),
            colon == std::string::npos ? "see docs/cli.md" : message.substr(colon + 2)};
}

CheckGroup check_machine(const CliOptions& options) {
    return {"machine",
            {from_status("this user may load programs", check_privilege()),
             from_status("the kernel has BTF", check_btf()),
             from_status("a bpf file system is mounted", check_bpffs(options.node.paths.bpffs)),
             from_status("the cgroup is on cgroup2",
                         status_of(choose_cgroup(options.node.paths.cgroup)))}};
}

CheckGroup check_data_plane(const Result<Seen<StatusView>>& seen) {
    CheckGroup group{"data plane", {}};
    if (!seen) {
        group.checks.push_back({"programs and tables are pinned", Outcome::kError,
                                seen.error().message, "start weir-agent"});
        return group;
    }
    group.checks.push_back(passed("programs and tables are pinned"));
    for (const auto& hook : seen->view.hooks) {
        const std::string description = hook.name + " is attached";
        group.checks.push_back(hook.attached
                                   ? passed(description)
                                   : CheckResult{description, Outcome::kError,
                                                 "somebody detached it, or its cgroup was removed",
                                                 "start weir-agent: it attaches it again"});
    }
    if (seen->view.agent)
        for (const auto& lost : seen->view.agent->lostFeatures)
            group.checks.push_back(
                {"this kernel takes all features", Outcome::kWarning, lost,
                 lost.starts_with("memory: ")  // the feature's name
                     ? "let weir-agent write cgroup.procs of the root cgroup (a privileged "
                       "container may), or give it no memory limit; then `weir uninstall` and "
                       "start it at a quiet time"
                     : lost.starts_with("idle: ")
                           ? "use kernel 6.5 or later, and give the agent CAP_SYS_ADMIN and "
                             "CAP_SYS_PTRACE (in a unit of systemd without RestrictNamespaces=)"
                           : "use a kernel that allows tracing programs (no lockdown)"});
    for (const auto& fill : seen->view.tables)
        if (fill.used * 10 >= fill.capacity * 8)
            group.checks.push_back({fill.table + " has room", Outcome::kWarning,
                                    std::to_string(fill.used) + " of " +
                                        std::to_string(fill.capacity) + " rows are used",
                                    "uninstall, then start weir-agent with a larger --max-…"});
    return group;
}

CheckGroup check_agent(const CliOptions& options, const Result<Seen<StatusView>>& seen) {
    CheckGroup group{"agent", {}};
    const bool running = seen && seen->agent;
    const char* remedy_hung =
        "end it (SIGTERM, then SIGKILL) and start it again: traffic does not notice";
    if (seen && seen->hangs) {
        group.checks.push_back(
            {"the agent answers", Outcome::kError,
             "pid " + std::to_string(seen->view.agentPid) + " is there, but " + seen->why_no_agent,
             remedy_hung});
        return group;
    }
    group.checks.push_back(
        running ? passed("the agent answers")
                : CheckResult{"the agent answers", Outcome::kError,
                              (seen ? seen->why_no_agent : seen.error().message) +
                                  "; traffic goes on as it is, but changes are not followed",
                              "start weir-agent, with --socket " + options.node.paths.socket});
    if (!running)
        return group;
    group.checks.push_back(
        seen->view.heartbeatAgeSeconds < 5
            ? passed("its loop turns")
            : CheckResult{"its loop turns", Outcome::kError,
                          "the last turn was " + age_str(seen->view.heartbeatAgeSeconds) + " ago",
                          remedy_hung});
    for (const auto& task : seen->view.agent->upkeep)
        if (!task.error.empty())
            group.checks.push_back({"its upkeep succeeds", Outcome::kError, upkeep_str(task),
                                    "weir tries again every second; if it stays, restart the agent "
                                    "(traffic does not notice) and keep a `weir sysdump`"});
    return group;
}

CheckGroup check_mesh(const Reading& reading, const Result<Seen<StatusView>>& seen) {
    CheckGroup group{"mesh", {}};
    const std::string valid = "the mesh directory is valid";
    if (reading.snapshot)
        group.checks.push_back(passed(valid));
    else
        group.checks.push_back({valid, Outcome::kError, reading.found.sorted().front().str(),
                                "mend it; `weir validate` shows all errors"});
    for (const auto& found : reading.found.sorted())
        if (found.severity == Severity::kWarning)
            group.checks.push_back(
                {"the mesh has no warnings", Outcome::kWarning, found.str(), "see docs/mesh.md"});
    if (!seen)
        return group;
    const std::string in_force = "the mesh directory is in force";
    if (seen->view.agent && !seen->view.agent->refused.empty())
        group.checks.push_back({in_force, Outcome::kError, seen->view.agent->refused.front(),
                                "uninstall, then start weir-agent with a larger --max-…"});
    else if (digest_str(reading.text.digest()) == seen->view.meshDigest)
        group.checks.push_back(passed(in_force));
    else
        group.checks.push_back(
            {in_force, Outcome::kError,
             "generation " + std::to_string(seen->view.generation) + " is of another content",
             "see `weir status` for why, `weir diff` for what"});
    return group;
}

CheckGroup check_events(const StatusView& view) {
    CheckGroup group{"events", {}};
    if (view.mode != "steer")
        group.checks.push_back({"this node steers", Outcome::kWarning, "its mode is " + view.mode,
                                "set `mode: steer` in agent.yaml"});
    for (const auto& off : view.switches)
        group.checks.push_back(
            {"nothing is switched off", Outcome::kWarning,
             switch_str(off) + " is off for " + age_str(off.secondsLeft) + " more",
             "`" + switch_end_str(off) + "` ends it"});
    for (const auto& reason : view.reasons)
        group.checks.push_back(
            reason.count == 0 ? passed("no " + reason.meaning)
                              : CheckResult{"no " + reason.meaning, Outcome::kWarning,
                                            "counted " + std::to_string(reason.count) +
                                                " times since the tables "
                                                "were made",
                                            "weir_kernel_events_total{reason=\"" + reason.name +
                                                "\"} tells when; docs/metrics.md what it means"});
    return group;
}

}  // namespace

int command_check(const CliOptions& options) {
    const auto seen = see_status(options.node.paths);
    const Reading reading = MeshDir(options.node.paths.mesh).read();
    std::vector<CheckGroup> groups{check_machine(options), check_data_plane(seen),
                                   check_agent(options, seen), check_mesh(reading, seen),
                                   check_neighbours(options, reading)};
    if (seen)
        groups.push_back(check_events(seen->view));
    std::fputs(render_checks(groups, options.format).c_str(), stdout);
    return all_passed(groups) ? 0 : 1;
}

}  // namespace weir

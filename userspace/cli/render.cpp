// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/render.h"

#include <algorithm>

#include "userspace/model/duration.h"
#include "userspace/observe/views/json.h"

namespace weir {
namespace {

using nlohmann::json;

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const auto& part : parts)
        text += (text.empty() ? "" : ",") + part;
    return or_none(text);
}

std::string mesh_state(const StatusView& view) {
    if (!view.agent)
        return "unknown (no agent)";
    if (!view.agent->meshErrors.empty())
        return "stale for " + age_str(view.agent->staleSeconds) +
               ": the directory has errors, the last good generation is in force";
    if (!view.agent->refused.empty())
        return "in force but for what was refused";
    return view.agent->staleSeconds > 0 ? "stale for " + age_str(view.agent->staleSeconds)
                                        : "in force";
}

std::string agent_state(const StatusView& view) {
    if (view.agentRunning && view.agent)
        return "running, pid " + number(view.agentPid) + ", version " + view.agent->version;
    if (view.agentHangs)
        return "does not answer, last turn " + age_str(view.heartbeatAgeSeconds) + " ago, pid " +
               number(view.agentPid);
    if (view.heartbeatAgeSeconds < 0)
        return "not running (it left in order)";
    return "not running, last seen " + age_str(view.heartbeatAgeSeconds) + " ago, pid " +
           number(view.agentPid);
}

std::string hook_state(const StatusView& view) {
    const auto attached = static_cast<std::size_t>(std::count_if(
        view.hooks.begin(), view.hooks.end(), [](const HookView& hook) { return hook.attached; }));
    std::string text = number(attached) + " of " + number(view.hooks.size()) + " attached";
    for (const auto& hook : view.hooks)
        if (!hook.attached)
            text += ", not " + hook.name;
    return text;
}

}  // namespace

std::string render_status(const StatusView& view, Format format) {
    if (is_document(format))
        return render_document(document("Status", json(view)), format);
    std::string text;
    const auto line = [&](const std::string& name, const std::string& value) {
        text += name + std::string(12 - std::min<std::size_t>(11, name.size()), ' ') + value + "\n";
    };
    line("AGENT", agent_state(view));
    line("HOOKS", hook_state(view));
    line("GENERATION", number(view.generation) +
                           (view.publishedAgoSeconds < 0
                                ? ""
                                : ", published " + age_str(view.publishedAgoSeconds) + " ago"));
    line("MESH", number(view.services) + " services, " + number(view.endpoints) + " endpoints, " +
                     number(view.workloads) + " workloads; " + mesh_state(view));
    for (const auto& off : view.switches)
        line("OFF", switch_str(off) + " for " + age_str(off.secondsLeft) + " more: `" +
                        switch_end_str(off) + "` ends it");
    if (view.mode != "steer")
        line("MODE", view.mode + ": " +
                         (view.mode == "off" ? "connects of this node are left alone"
                                             : "connects of this node are counted, not steered"));
    const auto list = [&](const char* name, const std::vector<std::string>& items) {
        for (const auto& item : items)
            line(name, item);
    };
    if (view.agent) {
        list("ERROR", view.agent->meshErrors);
        list("WARNING", view.agent->meshWarnings);
        list("REFUSED", view.agent->refused);
        if (!view.agent->applyError.empty())
            line("ERROR", "the mesh is not in force: " + view.agent->applyError);
        if (!view.agent->saveError.empty())
            line("ERROR", "the mesh is not saved for a restart: " + view.agent->saveError);
        list("LOST", view.agent->lostFeatures);
        for (const auto& task : view.agent->upkeep)
            if (!task.error.empty())
                line("ERROR", upkeep_str(task));
    }
    for (const auto& reason : view.reasons)
        if (reason.count > 0 || format == Format::kWide)
            line("EVENTS", number(reason.count) + " " + reason.meaning + " (" + reason.name + ")");
    if (view.relinked > 0)
        line("EVENTS",
             number(view.relinked) + " hooks and pins restored after others took them away");
    if (view.repaired > 0)
        line("EVENTS", number(view.repaired) + " rows written again after others changed them");
    if (format == Format::kWide)
        for (const auto& fill : view.tables)
            line("TABLE", fill.table + " " + number(fill.used) + " of " + number(fill.capacity));
    return text;
}

std::string render_services(const std::vector<ServiceView>& views, Format format) {
    if (is_document(format))
        return render_document(document("ServiceList", {{"items", views}}), format);
    const bool wide = format == Format::kWide;
    std::vector<std::string> header{"NAME",  "PORT",   "ADDRESSES", "ENDPOINTS",
                                    "STATE", "ACTIVE", "OPENED",    "FAILED"};
    if (wide)
        header.insert(header.end(),
                      {"CLOSED", "UNTRACKED", "BALANCE", "AFFINITY", "MODE", "PORTNAME"});
    Table table(header);
    for (const auto& view : views) {
        std::vector<std::string> row{view.name,
                                     number(view.port) + "/" + view.protocol,
                                     joined(view.addresses),
                                     number(view.endpoints),
                                     view.state,
                                     number(view.counts.active),
                                     number(view.counts.opened),
                                     number(view.counts.failed)};
        if (wide)
            row.insert(row.end(),
                       {number(view.counts.closed), number(view.counts.untracked), view.algorithm,
                        view.affinitySeconds == 0
                            ? "<none>"
                            : duration_str(std::chrono::seconds(view.affinitySeconds)),
                        view.mode, or_none(view.portName)});
        table.add(std::move(row));
    }
    return views.empty() ? "No services.\n" : table.str();
}

namespace {

// "3 connects failed; out for 1.20s, to be tried in 800ms"
std::string why_out(const EndpointView& view) {
    if (view.reason.empty())
        return "<none>";
    if (view.state == "serving")
        return view.reason;
    // In again then, or tried, where there is detection.
    if (view.reason.starts_with("by hand"))
        return view.reason + "; out for " + short_time(view.sinceSeconds) + ", for " +
               short_time(view.untilSeconds) + " more";
    return view.reason + "; out for " + short_time(view.sinceSeconds) +
           (view.untilSeconds > 0 ? ", to be tried in " + short_time(view.untilSeconds)
                                  : ", the next connect tries it");
}

}  // namespace

std::string render_endpoints(const std::vector<EndpointView>& views, Format format) {
    if (is_document(format))
        return render_document(document("EndpointList", {{"items", views}}), format);
    const bool wide = format == Format::kWide;
    std::vector<std::string> header{"SERVICE", "PORT",   "ENDPOINT", "WEIGHT", "SHARE",
                                    "STATE",   "ACTIVE", "OPENED",   "FAILED", "WHY"};
    if (wide)
        header.insert(header.end(), {"CLOSED", "UNTRACKED", "ZONE", "LABELS", "ANSWER"});
    Table table(header);
    for (const auto& view : views) {
        std::vector<std::string> row{view.service,
                                     number(view.port) + "/" + view.protocol,
                                     view.endpoint,
                                     number(view.weight),
                                     percent(view.share),
                                     view.state,
                                     number(view.counts.active),
                                     number(view.counts.opened),
                                     number(view.counts.failed),
                                     why_out(view)};
        if (wide)
            row.insert(row.end(), {number(view.counts.closed), number(view.counts.untracked),
                                   or_none(view.zone), or_none(labels_str(view.labels)),
                                   view.answerSeconds > 0 ? short_time(view.answerSeconds) : "-"});
        table.add(std::move(row));
    }
    return views.empty() ? "No endpoints.\n" : table.str();
}

std::string render_changes(const std::vector<MeshChange>& changes, Format format) {
    if (is_document(format)) {
        json items = json::array();
        for (const auto& change : changes)
            items.push_back({{"op", change.op},
                             {"kind", change.kind},
                             {"name", change.name},
                             {"detail", change.detail}});
        return render_document(document("MeshDiff", {{"items", items}}), format);
    }
    if (changes.empty())
        return "No changes.\n";
    std::string text;
    for (const auto& change : changes) {
        const char mark = change.op == "add" ? '+' : change.op == "remove" ? '-' : '~';
        text += std::string(1, mark) + " " + change.kind + " " + change.name +
                (change.detail.empty() ? "" : ": " + change.detail) + "\n";
    }
    return text;
}

bool all_passed(const std::vector<CheckGroup>& groups) {
    for (const auto& group : groups)
        for (const auto& check : group.checks)
            if (check.outcome == CheckResult::Outcome::kError)
                return false;
    return true;
}

std::string render_checks(const std::vector<CheckGroup>& groups, Format format) {
    using Outcome = CheckResult::Outcome;
    if (is_document(format)) {
        json categories = json::array();
        for (const auto& group : groups) {
            json checks = json::array();
            for (const auto& check : group.checks) {
                const char* result = check.outcome == Outcome::kOk        ? "success"
                                     : check.outcome == Outcome::kWarning ? "warning"
                                                                          : "error";
                checks.push_back({{"description", check.description},
                                  {"result", result},
                                  {"error", check.error},
                                  {"hint", check.hint}});
            }
            categories.push_back({{"categoryName", group.name}, {"checks", checks}});
        }
        return render_document(
            document("CheckReport", {{"success", all_passed(groups)}, {"categories", categories}}),
            format);
    }
    std::string text;
    for (const auto& group : groups) {
        text += group.name + "\n" + std::string(group.name.size(), '-') + "\n";
        for (const auto& check : group.checks) {
            const char* mark = check.outcome == Outcome::kOk        ? "√"
                               : check.outcome == Outcome::kWarning ? "‼"
                                                                    : "×";
            text += std::string(mark) + " " + check.description + "\n";
            if (check.outcome != Outcome::kOk)
                text += "    " + check.error + "\n    → " + check.hint + "\n";
        }
        text += "\n";
    }
    return text +
           (all_passed(groups) ? "Status check results are √\n" : "Status check results are ×\n");
}

}  // namespace weir

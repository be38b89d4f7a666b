// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/check_neighbours.h"

#include <map>

#include "loader/foreign.h"
#include "userspace/node/cgroups.h"
#include "userspace/node/nat_rules.h"

namespace weir {
namespace {

using Outcome = CheckResult::Outcome;

constexpr std::size_t kMostNamed = 10;  // services; a cluster may have thousands

void check_programs(const CliOptions& options, CheckGroup& group) {
    const std::string description = "no other programs are on weir's hooks";
    const auto cgroup = choose_cgroup(options.node.paths.cgroup);
    const auto neighbours = cgroup ? hook_neighbours(*cgroup) : std::vector<HookNeighbours>();
    if (neighbours.empty())
        group.checks.push_back({description, Outcome::kOk, "", ""});
    for (const auto& neighbour : neighbours) {
        std::string order;
        for (const auto& program : neighbour.order)
            order += (order.empty() ? "" : ", then ") + program;
        group.checks.push_back({description, Outcome::kWarning,
                                "on the hook of " + neighbour.hook + " the kernel runs " + order,
                                "see with `bpftool cgroup show` whose it is: only one of them may "
                                "translate a service's address"});
    }
}

void check_nat(const Reading& mesh, CheckGroup& group) {
    const std::string quiet = "nobody else translates addresses";
    const auto rules = read_nat_rules();
    if (!rules) {
        const auto& message = rules.error().message;
        const auto colon = message.rfind(": ");
        group.checks.push_back({quiet, Outcome::kWarning,
                                "it cannot be told: " + message.substr(0, colon),
                                message.substr(colon + 2)});
        return;
    }
    const auto redirectors = redirectors_in(*rules);
    if (redirectors.empty())
        group.checks.push_back({quiet, Outcome::kOk, "", ""});
    for (const auto& redirector : redirectors)
        group.checks.push_back(
            {quiet, Outcome::kWarning, "this network namespace has rules of " + redirector,
             "what weir steers does not reach rules for service addresses; what it leaves alone "
             "does"});
    if (!mesh.snapshot)
        return;
    std::map<Addr, std::string> owners;
    std::vector<Addr> addresses;
    for (const auto& service : mesh.snapshot->services)
        for (const auto& address : service->addresses) {
            owners.emplace(address.addr, service->name);
            addresses.push_back(address.addr);
        }
    const auto twice = translated_in(*rules, addresses);
    for (std::size_t i = 0; i < twice.size() && i < kMostNamed; i++)
        group.checks.push_back(
            {"services are translated by weir alone", Outcome::kWarning,
             owners.at(twice[i]) + " (" + twice[i].str() +
                 ") is translated by NAT rules or IPVS too" +
                 (i + 1 == kMostNamed && twice.size() > kMostNamed
                      ? ", and so are " + std::to_string(twice.size() - kMostNamed) + " more"
                      : ""),
             "remove it there, unless clients outside of weir's cgroup need it"});
}

}  // namespace

CheckGroup check_neighbours(const CliOptions& options, const Reading& mesh) {
    CheckGroup group{"neighbours", {}};
    check_programs(options, group);
    check_nat(mesh, group);
    return group;
}

}  // namespace weir

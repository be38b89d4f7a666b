# SPDX-License-Identifier: Apache-2.0
"""The bench of the connect path. Pods on one node, client and server on one CPU, variants in random order in
every round. A direct connection runs between the same pods, by processes in a cgroup that weir is not attached at;
iptables has node namespaces of its own, since its rules would slow the others down. Started by tests/bench/run.sh,
with the names of parts, or for all of them."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, HERE + "/../../deploy/lab"]
from algorithms import algorithms, groups, memory  # noqa: E402
from datagrams import datagrams  # noqa: E402
from lab import ROOT  # noqa: E402
from latency_choice import slow_endpoint  # noqa: E402
from refusing import one_refuses  # noqa: E402
from node import MANY, ROUNDS, STEERED, Empty, Node, bpf_stats, cpu_usage, during_connects, during_misses, interleaved, runs_during  # noqa: E402
from observe import observing  # noqa: E402
from outliers import outliers, whole_path  # noqa: E402
from peers import install_rules, kube_proxy_rules, service_address, start_haproxy  # noqa: E402
from report import Figures  # noqa: E402
from rules import rules  # noqa: E402


def connects(figures, nodes):
    one, many, ipt1, ipt_many = nodes
    connect = lambda node, address: lambda: node.measure("bench-connect", address)["p50"]  # noqa: E731
    direct = lambda: one.direct("bench-connect")["p50"]  # noqa: E731
    rounds = interleaved({
        "direct": direct, "direct again": direct,
        "weir": connect(one, service_address(0)), "weir 10,000": connect(many, service_address(MANY - 1)),
        "iptables": connect(ipt1, service_address(0)), "iptables 10,000": connect(ipt_many, service_address(MANY - 1))}, ROUNDS)
    for name in rounds[0]:
        figures.note(f"connect, {name}", "us, p50", [r[name] for r in rounds])
    figures.ratio("connect, direct against itself (the noise)", "ratio of p50", rounds, "direct again", "direct", 0.05, below=False)
    figures.ratio("connect through a service / direct", "ratio of p50", rounds, "weir", "direct", 1.05)
    figures.value("connect through a service - direct", "us, p50", [r["weir"] - r["direct"] for r in rounds], 1.5,
                  min(r["weir"] for r in rounds) - min(r["direct"] for r in rounds))
    figures.ratio("connect, 10,000 services / 1", "ratio of p50", rounds, "weir 10,000", "weir", 1.1)
    figures.ratio("connect, weir / iptables, 1 service", "ratio of p50", rounds, "weir", "iptables", 0.85)
    figures.ratio("connect, weir / iptables, 10,000 services", "ratio of p50", rounds, "weir 10,000", "iptables 10,000", 0.35)


def round_trips(figures, nodes):
    one = nodes[0]
    rounds = interleaved({"direct": lambda: one.direct("bench-rr")["p50"],
                          "weir": lambda: one.measure("bench-rr", service_address(0))["p50"]}, ROUNDS)
    figures.note("round trip, direct", "us, p50", [r["direct"] for r in rounds])
    figures.ratio("round trip on an open connection / direct", "ratio of p50", rounds, "weir", "direct", 0.02, below=False)


def against_haproxy(figures, nodes):
    one = nodes[0]
    proxy = one.lab.pod("proxy")
    start_haproxy(proxy, one.endpoints, STEERED)

    def cpu_per_request(address, port):
        before = cpu_usage(one.client, one.server, proxy)
        seen = one.measure("bench-rr", address, port)
        return (cpu_usage(one.client, one.server, proxy) - before) / seen["n"]

    rounds = interleaved({"weir": lambda: cpu_per_request(service_address(0), 80),
                          "haproxy": lambda: cpu_per_request(proxy.ip, 9000)}, ROUNDS)
    figures.ratio("CPU per request, weir / HAProxy TCP", "ratio", rounds, "weir", "haproxy", 0.6)
    for name in ("weir", "haproxy"):
        figures.note(f"CPU per request, {name}", "us", [r[name] for r in rounds])


def during_round_trips(node):
    """ns of all programs per request, of a connection with many."""
    seen, runs = runs_during(node.lab.cgroup, lambda: node.measure("bench-rr", service_address(0)))
    return sum(one[1] for one in runs.values()) / seen["n"], seen["p50"] * 1000


def program_times(figures, nodes):
    one, many = nodes[:2]
    with bpf_stats(), Empty(one) as empty_program:
        rounds = interleaved({
            "empty": empty_program.ns, "hit": lambda: during_connects(one, service_address(0)),
            "hit 10,000": lambda: during_connects(many, service_address(MANY - 1)),
            "miss": lambda: during_misses(many), "trips": lambda: during_round_trips(one)}, ROUNDS)
    floor = min(r["empty"] for r in rounds)
    figures.note("empty program", "ns per event", [r["empty"] for r in rounds])
    net = lambda name: [(r[name][0] - floor) / 1000 for r in rounds]  # noqa: E731
    figures.value("a connect to no service, 10,000 services", "us, program less empty", net("miss"), 0.25)
    figures.value("connect4 for a service", "us, program less empty", net("hit"), 1.5)
    figures.value("connect4 for a service, 10,000 services", "us, program less empty", net("hit 10,000"), 1.5)
    figures.value("connect4 and sock_ops of a connection", "us, programs less empty",
                  [(r["hit"][1][1] - r["hit"][1][0] * floor) / 1000 for r in rounds], 1.5)
    shares = [1 + r["trips"][0] / r["trips"][1] for r in rounds]
    figures.add("round trip, with the time of weir's programs", "ratio, programs' ns", min(shares), min(shares), shares, 0.02,
                max(shares) - 1 <= 0.02)


def make_nodes():
    """With one service and with many, without weir and the same in iptables."""
    print("== making nodes (the one with 10,000 services takes a moment)", flush=True)
    ipt1, ipt_many = Node(), Node()
    install_rules(ipt1.lab, kube_proxy_rules(1, ipt1.endpoints, STEERED))
    install_rules(ipt_many.lab, kube_proxy_rules(MANY, ipt_many.endpoints, STEERED))
    return [Node(1), Node(MANY), ipt1, ipt_many]


ON_SHARED_NODES = (connects, rules, round_trips, against_haproxy, program_times, observing)
ON_THEIR_OWN = (datagrams, algorithms, groups, outliers, whole_path, slow_endpoint, one_refuses, memory)
PARTS = {part.__name__: part for part in ON_SHARED_NODES + ON_THEIR_OWN}


def main():
    names = sys.argv[1:] or list(PARTS)
    if unknown := set(names) - set(PARTS):
        sys.exit(f"no part {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}")
    nodes = make_nodes() if any(PARTS[name] in ON_SHARED_NODES for name in names) else []
    figures = Figures()
    for name in names:
        print(f"== {name.replace('_', ' ')}", flush=True)
        PARTS[name](figures, nodes)
    figures.print()
    figures.write(ROOT + "/build/bench.json")
    for node in nodes:
        node.lab.close()


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""The bench of the connect path. Pods on one node, client and server on one CPU, variants in random order in
every round. A direct connection is made from a cgroup that weir is not attached at; each peer has a node
namespace of its own, since its rules would slow the others down. Started by tests/bench/run.sh."""

import json
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, HERE + "/../../deploy/lab"]
from lab import BIN, ROOT, Lab, run, service_yaml, wait_for  # noqa: E402
from peers import install_rules, kube_proxy_rules, service_address, start_haproxy  # noqa: E402
from report import Figures  # noqa: E402

ROUNDS = int(os.environ.get("WEIR_BENCH_ROUNDS", "15"))
MS = int(os.environ.get("WEIR_BENCH_MS", "300"))
MANY = 10000
PINNED = ("nice", "-n", "-15", "taskset", "-c", "1")


class Node:
    """A node namespace with a client and a server pod; the server has three addresses."""

    def __init__(self, services=0):
        self.lab = Lab()
        self.server, self.client = self.lab.pod("server"), self.lab.pod("client")
        self.endpoints = [self.server.ip, "10.77.9.1", "10.77.9.2"]
        for extra in self.endpoints[1:]:
            run("ip", "-n", self.server.netns, "addr", "add", extra + "/32", "dev", "eth0")
            run("ip", "-n", self.lab.node, "route", "add", extra, "dev", "v1")
        process = self.server.start(*PINNED, BIN + "/weir-peer", "serve", "0.0.0.0", 7000)
        process.first_line("ready")
        if services:
            self.lab.write_mesh("services:\n" + "".join(
                service_yaml(f"svc{n}.bench", [service_address(n)], self.endpoints, target=7000) for n in range(services)))
            self.lab.start_agent()
            wait_for(lambda: self.lab.weir("status", "-o", "json", parse=True)["services"] == services, "the mesh", 60)

    def measure(self, mode, address, port=80, ms=MS):
        out = self.client.run(*PINNED, BIN + "/weir-peer", mode, address, port, "--ms", ms)
        seen = json.loads(out)
        if seen["errors"] or not seen["n"]:
            raise RuntimeError(f"{mode} {address}: {seen}")
        return seen

    def program_id(self, name):
        """The id of a program that is attached at the lab's cgroup."""
        for line in json.loads(run("bpftool", "-j", "cgroup", "show", self.lab.cgroup)):
            if line["name"] == name:
                return line["id"]
        raise RuntimeError(f"{name} is not attached")


def counted(program):
    shown = json.loads(run("bpftool", "-j", "prog", "show", "id", str(program)))
    return shown.get("run_time_ns", 0), shown.get("run_cnt", 0)


def ns_per_run(program, act):
    before = counted(program)
    act()
    after = counted(program)
    return (after[0] - before[0]) / max(1, after[1] - before[1])


def interleaved(variants, rounds):
    """variants: name -> function that gives a figure; a list of {name: figure}."""
    results = []
    for number in range(rounds):
        order, row = list(variants), {}
        random.Random(number).shuffle(order)
        for name in order:
            row[name] = variants[name]()
        results.append(row)
        if sys.stdout.isatty():
            print(f"\r   round {number + 1} of {rounds}", end="", flush=True)
    if sys.stdout.isatty():
        print("\r", end="")
    return results


def connects(figures, nodes):
    plain, one, many, ipt1, ipt_many = nodes
    last = service_address(MANY - 1)
    connect = lambda node, address, port=80: lambda: node.measure("bench-connect", address, port)["p50"]  # noqa: E731
    rounds = interleaved({
        "direct": connect(plain, plain.server.ip, 7000), "direct again": connect(plain, plain.server.ip, 7000),
        "weir": connect(one, service_address(0)), "weir 10,000": connect(many, last),
        "iptables": connect(ipt1, service_address(0)), "iptables 10,000": connect(ipt_many, last)}, ROUNDS)
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
    plain, one = nodes[:2]
    rounds = interleaved({"direct": lambda: plain.measure("bench-rr", plain.server.ip, 7000)["p50"],
                          "weir": lambda: one.measure("bench-rr", service_address(0))["p50"]}, ROUNDS)
    figures.ratio("round trip on an open connection / direct", "ratio of p50", rounds, "weir", "direct", 0.02, below=False)


def cpu_usage(*pods):
    total = 0
    for pod in pods:
        with open(pod.cgroup + "/cpu.stat") as file:
            total += int(file.readline().split()[1])
    return total


def against_haproxy(figures, nodes):
    one = nodes[1]
    proxy = one.lab.pod("proxy")
    start_haproxy(proxy, one.endpoints, 7000)

    def cpu_per_request(address, port):
        before = cpu_usage(one.client, one.server, proxy)
        seen = one.measure("bench-rr", address, port)
        return (cpu_usage(one.client, one.server, proxy) - before) / seen["n"]

    rounds = interleaved({"weir": lambda: cpu_per_request(service_address(0), 80),
                          "haproxy": lambda: cpu_per_request(proxy.ip, 9000)}, ROUNDS)
    figures.ratio("CPU per request, weir / HAProxy TCP", "ratio", rounds, "weir", "haproxy", 0.6)
    for name in ("weir", "haproxy"):
        figures.note(f"CPU per request, {name}", "us", [r[name] for r in rounds])


def program_times(figures, nodes):
    plain, one, many = nodes[:3]
    path = plain.lab.bpffs + "/foreign"
    run("bpftool", "prog", "load", BIN + "/../tests/e2e/foreign.bpf.o", path)
    run("bpftool", "cgroup", "attach", plain.lab.cgroup, "connect4", "pinned", path, "multi")
    before = open("/proc/sys/kernel/bpf_stats_enabled").read()
    try:
        Lab.write_sysctl("kernel.bpf_stats_enabled", "1")
        empty, hit, hit_many, miss = [], [], [], []
        last = service_address(MANY - 1)
        for _ in range(ROUNDS):
            empty.append(ns_per_run(plain.program_id("foreign"), lambda: plain.measure("bench-connect", plain.server.ip, 7000, 150)))
            hit.append(ns_per_run(one.program_id("weir_connect4"), lambda: one.measure("bench-connect", service_address(0), 80, 150)))
            hit_many.append(ns_per_run(many.program_id("weir_connect4"), lambda: many.measure("bench-connect", last, 80, 150)))
            miss.append(ns_per_run(many.program_id("weir_connect4"), lambda: many.measure("bench-connect", many.server.ip, 7000, 150)))
    finally:
        Lab.write_sysctl("kernel.bpf_stats_enabled", before)
        run("bpftool", "cgroup", "detach", plain.lab.cgroup, "connect4", "pinned", path)
        os.unlink(path)
    net = lambda values: [(v - e) / 1000 for v, e in zip(values, empty)]  # noqa: E731
    best = lambda values: (min(values) - min(empty)) / 1000  # noqa: E731
    figures.note("empty program", "ns per event", empty)
    figures.value("a connect to no service, 10,000 services", "us, program less empty", net(miss), 0.1, best(miss))
    figures.value("connect4 for a service", "us, program less empty", net(hit), 1.5, best(hit))
    figures.value("connect4 for a service, 10,000 services", "us, program less empty", net(hit_many), 1.5, best(hit_many))


def main():
    print("== making nodes (the one with 10,000 services takes a moment)", flush=True)
    ipt1, ipt_many = Node(), Node()
    install_rules(ipt1.lab, kube_proxy_rules(1, ipt1.endpoints, 7000))
    install_rules(ipt_many.lab, kube_proxy_rules(MANY, ipt_many.endpoints, 7000))
    nodes = [Node(), Node(1), Node(MANY), ipt1, ipt_many]
    figures = Figures()
    for part in (connects, round_trips, against_haproxy, program_times):
        print(f"== {part.__name__.replace('_', ' ')}", flush=True)
        part(figures, nodes)
    figures.print()
    figures.write(ROOT + "/build/bench.json")
    for node in nodes:
        node.lab.close()


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""What the parts of the bench measure with: a node with pods on one CPU, interleaved rounds, the kernel's own count
of what programs take."""

import contextlib
import json
import os
import random
import re
import sys

from lab import BIN, Lab, run, service_yaml, wait_for
from peers import service_address

ROUNDS = int(os.environ.get("WEIR_BENCH_ROUNDS", "15"))
MS = int(os.environ.get("WEIR_BENCH_MS", "300"))
MANY = 10000
STEERED, DIRECT = 7000, 7001  # ports of the server in the pod's cgroup, and of the one where weir is not
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
        self.unsteered = self.lab.unsteered_cgroup()
        for port, cgroup in ((STEERED, None), (DIRECT, self.unsteered)):
            self.server.start(*PINNED, BIN + "/weir-peer", "serve", "0.0.0.0", port, cgroup=cgroup).first_line("ready")
        if services:
            self.lab.write_mesh("services:\n" + "".join(
                service_yaml(f"svc{n}.bench", [service_address(n)], self.endpoints, target=STEERED) for n in range(services)))
            self.lab.start_agent()
            wait_for(lambda: self.lab.weir("status", "-o", "json", parse=True)["services"] == services, "the mesh", 60)

    def direct(self, mode, ms=MS):
        """Between the same pods, with no program of weir at either end."""
        return self.measure(mode, self.server.ip, DIRECT, ms, self.unsteered)

    def measure(self, mode, address, port=80, ms=MS, cgroup=None):
        out = self.client.run(*PINNED, BIN + "/weir-peer", mode, address, port, "--ms", ms, cgroup=cgroup)
        seen = json.loads(out)
        if seen["errors"] or not seen["n"]:
            raise RuntimeError(f"{mode} {address}: {seen}")
        return seen


def programs_at(cgroup):
    return {one["name"]: one["id"] for one in json.loads(run("bpftool", "-j", "cgroup", "show", cgroup))}


def counted(cgroup):
    """Runs and nanoseconds so far of every program at a cgroup, by name. Needs kernel.bpf_stats_enabled."""
    shown = {name: json.loads(run("bpftool", "-j", "prog", "show", "id", str(number)))
             for name, number in programs_at(cgroup).items()}
    return {name: (one.get("run_cnt", 0), one.get("run_time_ns", 0)) for name, one in shown.items()}


def runs_during(cgroup, act):
    """What act() gives, and (runs, nanoseconds) by program meanwhile."""
    before = counted(cgroup)
    result = act()
    after = counted(cgroup)
    return result, {name: (after[name][0] - before[name][0], after[name][1] - before[name][1]) for name in after}


def ns_per_run(runs):
    return runs[1] / max(1, runs[0])


@contextlib.contextmanager
def bpf_stats():
    """The kernel counts runs and nanoseconds of programs meanwhile."""
    with open("/proc/sys/kernel/bpf_stats_enabled") as file:
        before = file.read()
    Lab.write_sysctl("kernel.bpf_stats_enabled", "1")
    try:
        yield
    finally:
        Lab.write_sysctl("kernel.bpf_stats_enabled", before)


class Empty:
    """An empty connect4 program where weir is not attached: what the count itself costs."""

    def __init__(self, node):
        self.node, self.path = node, node.lab.bpffs + "/foreign"

    def __enter__(self):
        run("bpftool", "prog", "load", BIN + "/../tests/e2e/foreign.bpf.o", self.path)
        run("bpftool", "cgroup", "attach", self.node.unsteered, "connect4", "pinned", self.path, "multi")
        return self

    def __exit__(self, *_):
        run("bpftool", "cgroup", "detach", self.node.unsteered, "connect4", "pinned", self.path)
        os.unlink(self.path)

    def ns(self):
        _, runs = runs_during(self.node.unsteered, lambda: self.node.direct("bench-connect", 150))
        return ns_per_run(runs["foreign"])


def during_misses(node):
    """ns of connect4 per connect to an address that is no service's, over the three of the server."""
    return [sum(during_connects(node, address, STEERED, 50)[0] for address in node.endpoints) / len(node.endpoints)]


def during_connects(node, address, port=80, ms=150):
    """ns of connect4 per connect, and of all programs per connection: (runs, ns)."""
    seen, runs = runs_during(node.lab.cgroup, lambda: node.measure("bench-connect", address, port, ms))
    total = [sum(one[i] for name, one in runs.items() if name != "weir_release") / seen["n"] for i in (0, 1)]
    return ns_per_run(runs["weir_connect4"]), total


def status(pid, field):
    """Of a process, in KiB."""
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(rf"{field}:\s+(\d+)", file.read())[1])


def cpu_usage(*pods):
    total = 0
    for pod in pods:
        with open(pod.cgroup + "/cpu.stat") as file:
            total += int(file.readline().split()[1])
    return total


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

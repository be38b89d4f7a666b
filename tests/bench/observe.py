# SPDX-License-Identifier: Apache-2.0
"""What it costs to measure: nanoseconds of the program on tcp_probe per segment, on sampled connections and on others,
and of sock_ops per event. All less an empty program's, which is what counting costs."""

import json

from lab import run
from node import ROUNDS, Empty, bpf_stats, interleaved, ns_per_run, runs_during
from peers import service_address


def probe_stats(node):
    (path,) = run("find", node.lab.bpffs, "-name", "weir_first_byte").split()
    shown = json.loads(run("bpftool", "-j", "prog", "show", "id",
                           str(json.loads(run("bpftool", "-j", "link", "show", "pinned", path))["prog_id"])))
    return shown.get("run_cnt", 0), shown.get("run_time_ns", 0)


def probe_ns(node):
    """Of requests on open connections through the service: half of the segments bring an answer."""
    before = probe_stats(node)
    node.measure("bench-rr", service_address(0))
    after = probe_stats(node)
    return (after[1] - before[1]) / max(1, after[0] - before[0])


def sock_ops_ns(node):
    _, runs = runs_during(node.lab.cgroup, lambda: node.measure("bench-connect", service_address(0), 80, 150))
    return ns_per_run(runs["weir_sockops"])


def restart(node, share):
    node.lab.kill_agent()
    node.lab.start_agent("--first-byte", share)


def observing(figures, nodes):
    node, rounds = nodes[0], {}
    with bpf_stats(), Empty(node) as empty:
        for share in ("1", "1/1000000000"):
            node.lab.kill_agent()
            node.lab.start_agent("--first-byte", share)
            rounds[share] = interleaved({"empty": empty.ns, "sock_ops": lambda: sock_ops_ns(node),
                                         "probe": lambda: probe_ns(node)}, ROUNDS)
    sampled, others = rounds.values()
    floor = min(r["empty"] for r in sampled + others)
    figures.value("tcp_probe, a segment, sampled", "ns less empty", [r["probe"] - floor for r in sampled], 130)
    figures.value("tcp_probe, a segment, not sampled", "ns less empty", [r["probe"] - floor for r in others], 20)
    figures.value("sock_ops, an event", "ns less empty", [r["sock_ops"] - floor for r in sampled + others], 30)

# SPDX-License-Identifier: Apache-2.0
"""What it costs to measure: nanoseconds of the program on tcp_probe per segment, on sampled connections and on others,
of sock_ops per event, and of connects that are left alone, all less an empty program's, which is what counting costs;
what a request costs with the default share sampled and with none; what scrapes cost, and cost connects."""

import json
import math
import re
import threading
import time

from lab import run, service_yaml, wait_for
from node import ROUNDS, Empty, Node, bpf_stats, cpu_usage, during_misses, interleaved, ns_per_run, runs_during
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


def restart(node, *flags):
    node.lab.kill_agent()
    node.lab.start_agent(*flags)


def observing(figures, nodes):
    node, rounds = nodes[0], {}
    with bpf_stats(), Empty(node) as empty:
        for share in ("1", "1/1000000000"):
            restart(node, "--first-byte", share)
            rounds[share] = interleaved({"empty": empty.ns, "sock_ops": lambda: sock_ops_ns(node),
                                         "probe": lambda: probe_ns(node)}, ROUNDS)
    sampled, others = rounds.values()
    floor = min(r["empty"] for r in sampled + others)
    figures.value("tcp_probe, a segment, sampled", "ns less empty", [r["probe"] - floor for r in sampled], 130)
    figures.value("tcp_probe, a segment, not sampled", "ns less empty", [r["probe"] - floor for r in others], 20)
    figures.value("sock_ops, an event", "ns less empty", [r["sock_ops"] - floor for r in sampled + others], 30)
    left_alone(figures, nodes[1])
    requests(figures, node)
    scrapes(figures, node)


def left_alone(figures, many):
    """Connects to no service, where they are not counted; bench.py has those that are."""
    restart(many, "--unmanaged", "0")
    with bpf_stats(), Empty(many) as empty:
        rounds = interleaved({"empty": empty.ns, "miss": lambda: during_misses(many)[0]}, ROUNDS)
    restart(many)
    floor = min(r["empty"] for r in rounds)
    figures.value("a connect to no service, not counted", "us, program less empty", [(r["miss"] - floor) / 1000 for r in rounds], 0.1)


def interval(values):
    """Of the median, with 95 %: by ranks, whatever the distribution."""
    ordered, n = sorted(values), len(values)
    reach = max(0, int(n / 2 - 0.98 * math.sqrt(n)))
    return ordered[reach], ordered[n - 1 - reach]


def requests(figures, sampled):
    """CPU of client and server for a request on an open connection; the other node has no program on tcp_probe."""
    restart(sampled)
    other = Node(1)
    try:
        restart(other, "--first-byte", "0")

        def cpu(node):
            before = cpu_usage(node.client, node.server)
            seen = node.measure("bench-rr", service_address(0))
            return (cpu_usage(node.client, node.server) - before) / seen["n"]
        rounds = interleaved({"1/8": lambda: cpu(sampled), "0": lambda: cpu(other)}, max(25, ROUNDS))
    finally:
        other.lab.close()
    ratios = [r["1/8"] / r["0"] for r in rounds]
    low, high = interval(ratios)
    figures.note("CPU per request, 1/8 sampled", "us", [r["1/8"] for r in rounds])
    figures.add("CPU per request, 1/8 sampled / none", "ratio; its interval", low, high, ratios, 1.0, low <= 1.0 <= high)


def scrapes(figures, node):
    """At the budget: how long one takes, and what 50 at once cost connects."""
    lab, services = node.lab, 300
    lab.write_mesh("services:\n" + "".join(service_yaml(f"svc{n}.bench", [service_address(n)], node.endpoints, target=7000)
                                           for n in range(services)))
    wait_for(lambda: lab.weir("status", "-o", "json", parse=True)["services"] == services, "the mesh", 60)
    for n in range(services):
        node.measure("bench-connect", service_address(n), 80, 5)

    def one():
        time.sleep(1.05)  # an answer is shared for a second
        started = time.monotonic()
        text = lab.metrics()
        return (time.monotonic() - started) * 1000, int(re.search(r"^weir_metrics_series (\d+)", text, re.M)[1])
    alone = [one() for _ in range(ROUNDS)]
    figures.note("series of a scrape at the budget", "count", [count for _, count in alone])
    figures.value("a scrape at the budget", "ms", [ms for ms, _ in alone], 100)
    stopped = threading.Event()

    def scrape():
        while not stopped.is_set():
            lab.metrics()

    def storm():
        stopped.clear()
        threads = [threading.Thread(target=scrape) for _ in range(50)]
        for thread in threads:
            thread.start()
        time.sleep(0.2)
        seen = node.measure("bench-connect", service_address(0))
        stopped.set()
        for thread in threads:
            thread.join()
        return seen["p99"]
    rounds = interleaved({"quiet": lambda: node.measure("bench-connect", service_address(0))["p99"], "storm": storm}, ROUNDS)
    figures.ratio("connect p99, 50 scrapes at once / none", "ratio of p99", rounds, "storm", "quiet", 1.05)

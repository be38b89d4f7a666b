# SPDX-License-Identifier: Apache-2.0
"""What each way of choosing costs a connect, with three endpoints and with as many as are compared at most; what zones and
subsets do; and the
kernel memory of an open connection through a service."""

import time

from lab import BIN, run, service_yaml, wait_for
from node import ROUNDS, STEERED, Node, bpf_stats, interleaved, ns_per_run, runs_during, status
from peers import service_address

NAMES = ("random", "round-robin", "least-connections", "least-latency", "consistent-hash")
COMPARED = 32
ZONE, SUBSETS = "    trafficDistribution: PreferSameZone\n", "    subsets: {v0: {labels: {version: v0}}, v1: {labels: {version: v1}}}\n"
GROUPED = {"no groups": ("", ""), "the own zone": ("", ZONE), "two subsets": ("", SUBSETS), "two subsets by workload": (", subsetBy: workload", SUBSETS)}
CONNECTIONS = 100_000


def algorithms(figures, _):
    node = Node()
    for extra in range(COMPARED - len(node.endpoints)):
        address = f"10.77.9.{extra + 10}"
        run("ip", "-n", node.server.netns, "addr", "add", address + "/32", "dev", "eth0")
        run("ip", "-n", node.lab.node, "route", "add", address, "dev", "v1")
        node.endpoints.append(address)
    text, variants = "services:\n", {}
    for a, algorithm in enumerate(NAMES):
        for e, count in enumerate((3, COMPARED)):
            vip = f"10.102.{a}.{e + 1}"
            text += service_yaml(f"a{a}-{e}.bench", [vip], node.endpoints[:count], target=STEERED, algorithm=algorithm)
            variants[f"{algorithm}, {count}"] = lambda vip=vip: node.measure("bench-connect", vip)["p50"]
    node.lab.write_mesh(text)
    node.lab.start_agent()
    variants["direct"] = lambda: node.direct("bench-connect")["p50"]
    rounds = interleaved(variants, ROUNDS)
    direct = min(r["direct"] for r in rounds)
    for name in variants:
        if name != "direct":
            figures.note(f"connect - direct, {name} endpoints", "us, p50", [r[name] - direct for r in rounds])
    node.lab.close()


def groups(figures, _):
    """What zones and subsets cost a connect, by the time of the program: requests per second are too noisy for it."""
    node, text, variants = Node(), "services:\n", {}
    labelled = [(ip, 1, f"zone: z{n % 2}, labels: {{version: v{n % 2}}}") for n, ip in enumerate(node.endpoints)]

    def connect4(vip):
        _, runs = runs_during(node.lab.cgroup, lambda: node.measure("bench-connect", vip))
        return ns_per_run(runs["weir_connect4"])

    for a, (name, (by, extra)) in enumerate(GROUPED.items()):
        vip = f"10.102.9.{a + 1}"
        text += service_yaml(f"g{a}.bench", [vip], labelled, target=STEERED, algorithm="random" + by) + extra
        variants[name] = lambda vip=vip: connect4(vip)
    node.lab.write_config("zone: z1\n")
    node.lab.write_mesh(text)
    node.lab.start_agent()
    with bpf_stats():
        rounds = interleaved(variants, ROUNDS)
    for name in variants:
        figures.note(f"connect4, random, {name}", "ns per run", [r[name] for r in rounds])
    node.lab.close()


def slab_bytes():
    """Of the kernel's objects in use without a cache of their own: storage of sockets is among them, sockets are not.
    What was freed is given back a little later."""
    time.sleep(2)
    with open("/proc/slabinfo") as file:
        rows = [line.split() for line in file if line.startswith("kmalloc-")]
    return sum(int(row[1]) * int(row[3]) for row in rows)


def memory(figures, _):
    """By the machine's slab, so somewhat noisy. Processes of their own, each with a server and a
    service, since there may be 20,000 files to one."""
    node, ports = Node(), range(7100, 7106)
    each = CONNECTIONS // len(ports)
    for port in ports:
        node.server.start(BIN + "/weir-peer", "serve", "0.0.0.0", port, cgroup=node.unsteered).first_line("ready")
    node.lab.write_mesh("services:\n" + "".join(
        service_yaml(f"held{port}.bench", [service_address(port - ports[0])], [node.server.ip], target=port) for port in ports))
    node.lab.start_agent()
    daemon = lambda: status(node.lab.agent.pid, "VmRSS") / 1024  # noqa: E731
    at_rest, results, daemons = daemon(), {"weir": [], "direct": []}, []
    ends = {"direct": [(node.server.ip, port, node.unsteered) for port in ports],
            "weir": [(service_address(port - ports[0]), 80, None) for port in ports]}
    for _ in range(3):
        for name, targets in ends.items():
            before = slab_bytes()
            held = [node.client.start(BIN + "/weir-peer", "hold-many", address, port, "--count", each, cgroup=cgroup)
                    for address, port, cgroup in targets]
            for process in held:
                process.first_line("holding")
            results[name].append((slab_bytes() - before) / (each * len(ports)))
            daemons += [daemon() - at_rest] if name == "weir" else []
            for process in held:
                process.stop()
            wait_for(lambda: not node.lab.weir("connections", "-o", "json", parse=True)["items"], "them to end", 60)
    figures.note("kmalloc of one of 100,000 open connections, direct (both ends)", "bytes", results["direct"])
    figures.value("kmalloc of one of 100,000 open connections, weir - direct", "bytes",
                  [w - d for w, d in zip(results["weir"], results["direct"])], 640,
                  min(results["weir"]) - min(results["direct"]))
    figures.value("agent, with 100,000 connections open", "MiB more", daemons, 10)
    node.lab.close()

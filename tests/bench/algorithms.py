# SPDX-License-Identifier: Apache-2.0
"""What each way of choosing costs a connect, with three endpoints and with as many as are compared at most; and the
kernel memory of an open connection through a service."""

from lab import BIN, run, service_yaml
from node import ROUNDS, STEERED, Node, interleaved

NAMES = ("random", "round-robin", "least-connections", "consistent-hash")
COMPARED = 32
CONNECTIONS = 2000


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


def slab_bytes():
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Slab:")) * 1024


def memory(figures, _):
    """By the machine's slab, so it is noisy: the least of some rounds."""
    node = Node(1)
    results = {"weir": [], "direct": []}
    for _ in range(5):
        for name, address, port, cgroup in (("direct", node.server.ip, 7001, node.unsteered), ("weir", "10.100.0.1", 80, None)):
            before = slab_bytes()
            held = node.client.start(BIN + "/weir-peer", "hold-many", address, port, "--count", CONNECTIONS, cgroup=cgroup)
            held.first_line("holding")
            results[name].append((slab_bytes() - before) / CONNECTIONS)
            held.stop()
    figures.note("slab of an open connection, direct (both ends)", "bytes", results["direct"])
    figures.value("slab of an open connection, weir - direct", "bytes",
                  [w - d for w, d in zip(results["weir"], results["direct"])], 640,
                  min(results["weir"]) - min(results["direct"]))
    node.lab.close()

# SPDX-License-Identifier: Apache-2.0
"""What outlier detection costs a connect: where all endpoints are in, and where one of two is out; and the whole of it, with
least-latency, limits and deadlines."""

from lab import service_yaml, wait_for
from node import ROUNDS, STEERED, Empty, Node, bpf_stats, during_connects, interleaved
from peers import service_address

DETECTS = "    outlierDetection: {consecutiveFailures: 3, baseEjectionTime: 5m, maxEjectionPercent: 50}\n"
# Twenty connects, whatever becomes of them.
CONNECTS = """
import socket, sys
for _ in range(20):
    with socket.socket() as s:
        s.connect_ex((sys.argv[1], 80))
"""


def outliers(figures, _):
    node = Node()
    dead = node.lab.pod("dead")
    well = node.endpoints[:2]
    plain, detecting, ejecting = (service_address(n) for n in range(3))
    service = lambda name, address, ends: service_yaml(name, [address], ends, target=STEERED)  # noqa: E731
    node.lab.write_mesh("services:\n" + service("plain.bench", plain, well) + service("detecting.bench", detecting, well) + DETECTS
                        + service("ejecting.bench", ejecting, [node.server.ip, dead.ip]) + DETECTS)
    node.lab.start_agent()
    wait_for(lambda: node.client.run("python3", "-c", CONNECTS, ejecting) == "" and
             node.lab.weir("status", "-o", "json", parse=True)["ejectedEndpoints"] == 1, "one to be out")
    rounds = interleaved({name: lambda address=address: node.measure("bench-connect", address)["p50"]
                          for name, address in (("plain", plain), ("detecting", detecting), ("one out", ejecting))}, ROUNDS)
    figures.ratio("connect, outlier detection on / off", "ratio of p50", rounds, "detecting", "plain", 1.05)
    figures.ratio("connect, one of two endpoints is out / all are in", "ratio of p50", rounds, "one out", "detecting", 1.05)
    node.lab.close()


ALL_OF_IT = DETECTS + "    limits: {maxConnections: 100000, maxConnectionsPerEndpoint: 50000}\n    timeouts: {connect: 1s, tcpUser: 10s}\n"


def whole_path(figures, _):
    """By the kernel's own count of what programs take, less an empty program for each run."""
    node = Node()
    settings = {"random": ("random", ""), "least-latency, health": ("least-latency", DETECTS), "and limits, deadlines": ("least-latency", ALL_OF_IT)}
    address = {name: service_address(n) for n, name in enumerate(settings)}
    node.lab.write_mesh("services:\n" + "".join(
        service_yaml(f"s{n}.bench", [address[name]], node.endpoints, target=STEERED, algorithm=algorithm) + extra
        for n, (name, (algorithm, extra)) in enumerate(settings.items())))
    node.lab.start_agent()
    with bpf_stats(), Empty(node) as empty_program:
        rounds = interleaved({"empty": empty_program.ns} | {
            name: lambda address=address[name]: during_connects(node, address) for name in settings}, ROUNDS)
    floor = min(r["empty"] for r in rounds)
    for name in settings:
        net = [(r[name][1][1] - r[name][1][0] * floor) / 1000 for r in rounds]
        if name == "least-latency, health":
            figures.value(f"connect4 and sock_ops, {name}", "us, programs less empty", net, 2.0)
        else:
            figures.note(f"connect4 and sock_ops, {name}", "us, programs less empty", net)
    node.lab.close()

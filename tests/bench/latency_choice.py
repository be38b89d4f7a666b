# SPDX-License-Identifier: Apache-2.0
"""What least-latency does for the slowest percent where one of three endpoints is 20 times slower, against random choice
and HAProxy's leastconn in the same rounds; and how soon the endpoint has its share again once it is well."""

import json
import os
import signal
import sys
import threading

from lab import ROOT, Lab, service_yaml
from node import ROUNDS, interleaved
from peers import service_address, start_haproxy

LOAD = os.path.join(ROOT, "tests/tools/load.py")
MS, SLOWER, PER_SECOND = 2, 40, 150


class Three:
    """Three servers, of which `c` is slow until told otherwise, and who asks them."""

    def __init__(self):
        self.lab = Lab()
        self.pods = [self.lab.pod(name) for name in "abc"]
        for pod in self.pods:
            pod.start(sys.executable, LOAD, "serve", 8080, pod.name, "--ms", MS).first_line("ready")
        self.client, self.proxy = self.lab.pod("client"), self.lab.pod("proxy")
        ends = [pod.ip for pod in self.pods]
        names = ("random", "least-connections", "least-latency")
        self.address = {name: service_address(n) for n, name in enumerate(names)}
        self.lab.write_mesh("services:\n" + "".join(
            service_yaml(f"{name}.bench", [self.address[name]], ends, algorithm=name) for name in names))
        self.lab.start_agent()
        start_haproxy(self.proxy, ends, 8080, "leastconn")

    def load(self, address, port=80, seconds=3.0):
        seen = json.loads(self.client.run(sys.executable, LOAD, "ask", address, port, "--per-second", PER_SECOND, "--seconds", seconds,
                                          "--seed", int.from_bytes(os.urandom(2), "big")))
        if seen["errors"]:
            raise RuntimeError(f"{address}: {seen}")
        return seen

    def takes(self, ms):
        self.pods[2].run(sys.executable, "-c", "import socket\ns = socket.create_connection(('127.0.0.1', 8080))\n"
                         f"s.sendall(b'ms {ms}\\n'); s.recv(9)")


    def while_the_agent_dies(self, address):
        """It is killed in the middle of the load."""
        killer = threading.Timer(1, self.lab.kill_agent, [signal.SIGKILL])
        killer.start()
        seen = self.load(address)
        killer.join()
        self.lab.start_agent()
        return seen


def slow_endpoint(figures, _):
    three = Three()
    three.takes(SLOWER)
    three.load(three.address["least-latency"], seconds=1)
    variants = {name: lambda address=address: three.load(address)["p99"] * 1000 for name, address in three.address.items()}
    variants["least-latency, agent killed"] = lambda: three.while_the_agent_dies(three.address["least-latency"])["p99"] * 1000
    variants["HAProxy leastconn"] = lambda: three.load(three.proxy.ip, 9000)["p99"] * 1000
    rounds = interleaved(variants, max(5, ROUNDS // 2))
    for name in variants:
        figures.note(f"1 of 3 endpoints 20x slower, {name}", "ms, p99 of requests", [r[name] for r in rounds])
    figures.ratio("1 of 3 slower, least-latency / random", "ratio of p99", rounds, "least-latency", "random", 0.4)
    figures.ratio("1 of 3 slower, least-latency, agent killed / random", "ratio of p99", rounds, "least-latency, agent killed", "random", 0.4)
    figures.ratio("1 of 3 slower, least-latency / HAProxy leastconn", "ratio of p99", rounds, "least-latency", "HAProxy leastconn", 1.0)
    shares = []
    for dead in (False, True, False, True, True):
        three.takes(SLOWER)
        three.load(three.address["least-latency"], seconds=2)
        if dead:
            three.lab.kill_agent(signal.SIGKILL)
        three.takes(MS)
        three.load(three.address["least-latency"], seconds=5)
        seen = three.load(three.address["least-latency"], seconds=3)["answers"]
        shares.append(seen.get("c", 0) / sum(seen.values()) / (1 / 3))
        if dead:
            three.lab.start_agent()
    figures.add("well again for 5 s, its part of its fair share, also with the agent killed", "ratio, least of 5", None, min(shares), shares, 0.01, min(shares) >= 0.01)
    three.lab.close()

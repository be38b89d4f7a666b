# SPDX-License-Identifier: Apache-2.0
"""UDP through a service: a datagram out and back, by an unconnected and by a connected socket, against the same pods
without weir and against nft."""

import json
import subprocess

from lab import BIN, service_yaml
from node import MS, PINNED, ROUNDS, Node, interleaved

VIP, SERVED, UNSTEERED = "10.101.0.1", 5400, 5401


def install_nft(lab, endpoint):
    rules = (f"table ip bench {{\nchain pre {{\ntype nat hook prerouting priority -100;\n"
             f"ip daddr {VIP} udp dport 53 dnat to {endpoint}:{SERVED}\n}}\n}}\n")
    done = subprocess.run(["ip", "netns", "exec", lab.node, "nft", "-f", "-"], input=rules, text=True, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"nft: {done.stderr}")


def datagrams(figures, _):
    weir, nft = Node(), Node()
    for node in (weir, nft):
        for port, cgroup in ((SERVED, None), (UNSTEERED, node.unsteered)):
            node.server.start(*PINNED, BIN + "/weir-peer", "serve-udp", "0.0.0.0", port, cgroup=cgroup).first_line("ready")
    weir.lab.write_mesh("services:\n" + service_yaml("udp.bench", [VIP], [weir.server.ip], 53, SERVED, protocol="UDP"))
    weir.lab.start_agent()
    install_nft(nft.lab, nft.server.ip)

    def measure(node, address, port, connected, cgroup=None):
        out = node.client.run(*PINNED, BIN + "/weir-peer", "bench-udp", address, port, "--ms", MS, "--connected", connected,
                              cgroup=cgroup)
        seen = json.loads(out)
        if seen["errors"] or not seen["n"]:
            raise RuntimeError(f"bench-udp {address}: {seen}")
        return seen["p50"]

    for connected, name in ((0, "unconnected"), (1, "connected")):
        rounds = interleaved({
            "direct": lambda c=connected: measure(weir, weir.server.ip, UNSTEERED, c, weir.unsteered),
            "weir": lambda c=connected: measure(weir, VIP, 53, c),
            "nft": lambda c=connected: measure(nft, VIP, 53, c)}, ROUNDS)
        for variant in rounds[0]:
            figures.note(f"datagram and answer, {name}, {variant}", "us, p50", [r[variant] for r in rounds])
        figures.note(f"datagram and answer, {name}, weir / direct", "ratio of p50", [r["weir"] / r["direct"] for r in rounds])
        figures.note(f"datagram and answer, {name}, weir / nft", "ratio of p50", [r["weir"] / r["nft"] for r in rounds])
    for node in (weir, nft):
        node.lab.close()

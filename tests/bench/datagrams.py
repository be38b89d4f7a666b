# SPDX-License-Identifier: Apache-2.0
"""UDP through a service: a datagram out and back, by an unconnected and by a connected socket, against the same pods
without weir and against nft."""

import json
import subprocess

from lab import BIN, service_yaml, wait_for
from node import MS, PINNED, ROUNDS, STEERED, Empty, Node, bpf_stats, interleaved, ns_per_run, programs_at, runs_during

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
    counting(figures, weir)
    counting(figures, weir, "health by datagrams", "outlierDetection: {answerTimeout: 1s}")
    for node in (weir, nft):
        node.lab.close()


def counting(figures, node, what="counting datagrams", asks="observe: {datagrams: true}"):
    """What it costs to look at them where a service asks; and at every packet of TCP then."""
    node.lab.apply("services:\n" + service_yaml("udp.bench", [VIP], [node.server.ip], 53, SERVED, protocol="UDP")
                   + f"    {asks}\n" + service_yaml("tcp.bench", [VIP], [node.server.ip], 80, STEERED))
    wait_for(lambda: "weir_ingress" in programs_at(node.lab.cgroup), "datagrams to be looked at")

    def ns(*mode):
        _, runs = runs_during(node.lab.cgroup, lambda: node.client.run(*PINNED, BIN + "/weir-peer", *mode, "--ms", MS))
        return sum(ns_per_run(runs[name]) for name in ("weir_egress", "weir_ingress")) / 2

    with bpf_stats(), Empty(node) as empty:
        rounds = interleaved({"empty": empty.ns, "tcp": lambda: ns("bench-rr", VIP, 80),
                              "unconnected": lambda: ns("bench-udp", VIP, 53, "--connected", 0),
                              "connected": lambda: ns("bench-udp", VIP, 53, "--connected", 1)}, ROUNDS)
    floor = min(r["empty"] for r in rounds)
    for name, kind in (("unconnected", "a datagram, unconnected"), ("connected", "a datagram, connected"), ("tcp", "a packet of TCP")):
        figures.note(f"{what}: {kind}", "ns less empty", [r[name] - floor for r in rounds])

# SPDX-License-Identifier: Apache-2.0
"""A connect through one of 1, 1,000 and 10,000 services: weir, iptables and nft as kube-proxy writes them, each on nodes
of its own, the service being the last of the many."""

from node import ROUNDS, STEERED, MANY, Node, interleaved
from peers import install_rules, kube_proxy_nft, kube_proxy_rules, service_address

FEW = 1000


def with_rules(services, write, program):
    node = Node()
    install_rules(node.lab, write(services, node.endpoints, STEERED), program)
    return node


def rules(figures, nodes):
    """The nodes of 1 and 10,000 services with weir and iptables are there already."""
    one, many, ipt1, ipt_many = nodes
    nft = lambda services: with_rules(services, kube_proxy_nft, ("nft", "-f", "-"))  # noqa: E731
    made = {"weir 1,000": Node(FEW), "iptables 1,000": with_rules(FEW, kube_proxy_rules, ("iptables-restore",)),
            "nft 1": nft(1), "nft 1,000": nft(FEW), "nft 10,000": nft(MANY)}
    last = {"1": 0, "1,000": FEW - 1, "10,000": MANY - 1}
    variants = {"weir 1": one, "weir 10,000": many, "iptables 1": ipt1, "iptables 10,000": ipt_many, **made}
    rounds = interleaved({name: lambda n=node, i=last[name.split()[1]]: n.measure("bench-connect", service_address(i))["p50"]
                          for name, node in variants.items()}, ROUNDS)
    for name in variants:
        figures.note(f"connect, {name} service{'s' if name[-2:] != ' 1' else ''}", "us, p50", [r[name] for r in rounds])
    for number in last:
        for peer in ("iptables", "nft"):
            figures.note(f"connect, weir / {peer}, {number} service{'s' if number != '1' else ''}", "ratio of p50",
                         [r[f"weir {number}"] / r[f"{peer} {number}"] for r in rounds])
    for node in made.values():
        node.lab.close()

# SPDX-License-Identifier: Apache-2.0
"""What weir is measured against: kube-proxy's iptables and nft rules, and HAProxy as a TCP hop."""

import subprocess

from lab import LIBC, CLONE_NEWNET, wait_for

import os

HAPROXY = """
global
  nbthread 1
defaults
  mode tcp
  timeout connect 2s
  timeout client 60s
  timeout server 60s
frontend in
  bind :9000
  default_backend out
backend out
  balance {balance}
"""


def service_address(number):
    """Of the n-th of many services: 10.100.0.0/16."""
    return f"10.100.{number // 250}.{number % 250 + 1}"


def kube_proxy_rules(services, endpoints, port):
    """iptables-restore input as kube-proxy writes it: services in a row, endpoints by probability."""
    chains, rules = [], ["-A PREROUTING -j KUBE-SERVICES"]
    for n in range(services):
        chains.append(f":KUBE-SVC-{n} - [0:0]")
        rules.append(f'-A KUBE-SERVICES -d {service_address(n)}/32 -p tcp -m comment --comment "ns/svc{n} cluster IP"'
                     f" -m tcp --dport 80 -j KUBE-SVC-{n}")
        for e, endpoint in enumerate(endpoints):
            chains.append(f":KUBE-SEP-{n}-{e} - [0:0]")
            left = len(endpoints) - e
            chance = "" if left == 1 else f"-m statistic --mode random --probability {1 / left:.10f} "
            rules.append(f"-A KUBE-SVC-{n} {chance}-j KUBE-SEP-{n}-{e}")
            rules.append(f"-A KUBE-SEP-{n}-{e} -p tcp -m tcp -j DNAT --to-destination {endpoint}:{port}")
    return "\n".join(["*nat", ":KUBE-SERVICES - [0:0]", *chains, *rules, "COMMIT", ""])


def kube_proxy_nft(services, endpoints, port):
    """nft's input as kube-proxy's nftables mode writes it: one lookup of the service, endpoints by a random number."""
    chains, elements = [], []
    for n in range(services):
        elements.append(f"{service_address(n)} . tcp . 80 : goto service-{n}")
        ends = ", ".join(f"{e} : goto endpoint-{n}-{e}" for e in range(len(endpoints)))
        chains += [f"chain endpoint-{n}-{e} {{\nmeta l4proto tcp dnat to {endpoint}:{port}\n}}" for e, endpoint in enumerate(endpoints)]
        chains.append(f"chain service-{n} {{\nnumgen random mod {len(endpoints)} vmap {{ {ends} }}\n}}")
    services_map = ("map service-ips {\ntype ipv4_addr . inet_proto . inet_service : verdict\n"
                    f"elements = {{ {', '.join(elements)} }}\n}}")
    hook = ("chain nat-prerouting {\ntype nat hook prerouting priority -100;\n"
            "ip daddr . meta l4proto . th dport vmap @service-ips\n}")
    return "\n".join(["table ip kube-proxy {", *chains, services_map, hook, "}", ""])


def install_rules(lab, rules, program=("iptables-restore",)):
    def enter():
        fd = os.open("/run/netns/" + lab.node, os.O_RDONLY)
        if LIBC.setns(fd, CLONE_NEWNET):
            os._exit(1)
    done = subprocess.run(program, input=rules, text=True, capture_output=True, preexec_fn=enter)
    if done.returncode:
        raise RuntimeError(f"{program[0]}: {done.stderr}")


def start_haproxy(pod, endpoints, port, balance="roundrobin", options=""):
    path = f"{pod.lab.directory}/haproxy.cfg"
    with open(path, "w") as file:
        file.write(HAPROXY.format(balance=balance) + "".join(f"  server s{i} {e}:{port} {options}\n" for i, e in enumerate(endpoints)))
    pod.start("nice", "-n", "-15", "taskset", "-c", "1", "haproxy", "-db", "-f", path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: not pod.probe(pod.ip, 9000)["errno"], "haproxy")

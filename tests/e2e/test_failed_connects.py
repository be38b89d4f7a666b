# SPDX-License-Identifier: Apache-2.0
"""Why connects fail, as the kernel counts it, against what the application was told: each way to fail has a service
of its own, and the client keeps its own tally."""

import json
import re
import sys
import unittest

from case import LabCase, run, service_yaml, wait_for

# Connects `count` times and reads; what came of each, by errno name, "timeout" or "closed". argv: address, count, seconds
# to wait (0: as long as the kernel does), a local port (0: any).
CLIENT = """
import collections, errno, json, socket, sys
address, count, wait, port = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
tally, kept = collections.Counter(), []
for _ in range(count):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    s.settimeout(wait or None)
    if port:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("", port))
    try:
        s.connect((address, 80))
        if port:
            kept.append(s)
            tally["held"] += 1
            continue
        tally["data" if s.recv(1) else "closed"] += 1
    except TimeoutError as e:
        tally[errno.errorcode[e.errno] if e.errno else "timeout"] += 1
    except OSError as e:
        tally[errno.errorcode[e.errno]] += 1
    s.close()
print(json.dumps(tally))
"""
# Accepts, says what argv[1] is, and resets.
RESETTER = """
import socket, struct, sys
s = socket.socket(socket.AF_INET6); s.bind(("::", int(sys.argv[2]))); s.listen(1024)
print("ready", flush=True)
while True:
    c, _ = s.accept()
    if sys.argv[1]:
        c.sendall(sys.argv[1].encode())
        c.recv(1)
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()
"""
REASONS = ("refused", "timeout", "unreachable", "reset", "abandoned", "local", "no_endpoint", "no_storage", "limit", "rate", "other")


class FailedConnects(LabCase):
    SERVERS = ("a",)
    NAMES = ("refused", "refused6", "silent", "router", "reset", "resetlater", "noroute", "well", "empty")
    SILENT, ROUTER_SAYS_NO, NO_ROUTE = "10.99.0.1", "10.99.0.2", "10.99.0.3"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for said, port in (("", "7001"), ("x", "7002")):
            cls.a.start(sys.executable, "-c", RESETTER, said, port).first_line("ready")
        run("ip", "-n", cls.lab.node, "route", "add", "blackhole", cls.SILENT)
        run("ip", "-n", cls.lab.node, "route", "add", "unreachable", cls.ROUTER_SAYS_NO)
        cls.lab.in_netns(cls.lab.node, lambda: cls.lab.write_sysctl("net.ipv4.icmp_ratelimit", "0"))
        cls.client.run("ip", "route", "add", "unreachable", cls.NO_ROUTE)
        cls.client.sysctl("net.ipv4.tcp_syn_retries", "1")

    @classmethod
    def mesh(cls):
        ends = [(cls.a.ip, 9), (cls.a.ip6, 9), (cls.SILENT, 80), (cls.ROUTER_SAYS_NO, 80), (cls.a.ip, 7001), (cls.a.ip, 7002),
                (cls.NO_ROUTE, 80), (cls.a.ip, 8080), (None, 80)]
        return ("services:\n" + "".join(service_yaml(f"{name}.shop", [cls.address(name)], [ip] if ip else [], target=port)
                                        for name, (ip, port) in zip(cls.NAMES, ends))
                + f"workloads:\n  client.shop: {{cgroup: {cls.lab.pattern('client')}}}\n")

    @classmethod
    def address(cls, name):
        return ("fd00:96::3:" if name.endswith("6") else "10.96.3.") + str(cls.NAMES.index(name) + 1)

    def failed(self, name):
        self.settled(f"{name}.shop")
        counts = self.lab.service(f"{name}.shop")["counts"]
        self.assertEqual(counts["opened"], counts["closed"] + counts["failed"] + counts["untracked"])
        self.assertEqual(counts["failed"], sum(counts["failedBy"].values()))
        return counts

    def expect(self, name, told, reasons, count=20, wait=0.0, port=0):
        """The client is told `told`; the kernel counts `reasons`, and nothing else."""
        before = self.failed(name)
        tally = json.loads(self.client.run(sys.executable, "-c", CLIENT, self.address(name), count, wait, port))
        self.assertEqual(tally, told)
        after = self.failed(name)
        gained = {r: after["failedBy"].get(r, 0) - before["failedBy"].get(r, 0) for r in REASONS}
        self.assertEqual({r: n for r, n in gained.items() if n}, reasons)
        self.assertEqual(after["opened"] - before["opened"], count)

    def test_refused(self):
        self.expect("refused", {"ECONNREFUSED": 20}, {"refused": 20})
        self.expect("refused6", {"ECONNREFUSED": 20}, {"refused": 20})

    def test_refused_without_blocking(self):
        self.expect("refused", {"ECONNREFUSED": 20}, {"refused": 20}, wait=5.0)

    def test_no_answer(self):
        self.expect("silent", {"ETIMEDOUT": 1}, {"timeout": 1}, count=1)

    def test_the_caller_gives_up(self):
        self.expect("silent", {"timeout": 3}, {"abandoned": 3}, count=3, wait=0.2)

    def test_a_router_says_no(self):
        self.expect("router", {"EHOSTUNREACH": 5}, {"unreachable": 5}, count=5)

    def test_reset_before_a_byte(self):
        self.expect("reset", {"ECONNRESET": 20}, {"reset": 20})

    def test_what_is_reset_later_has_not_failed(self):
        self.expect("resetlater", {"data": 20}, {})

    def test_no_route(self):
        self.expect("noroute", {"EHOSTUNREACH": 5}, {"local": 5}, count=5)

    def test_no_port(self):
        self.expect("well", {"held": 1, "EADDRNOTAVAIL": 4}, {"local": 4}, count=5, port=20001)

    def test_no_endpoint(self):
        self.expect("empty", {"ECONNREFUSED": 5}, {"no_endpoint": 5}, count=5)

    def test_what_works_has_not_failed(self):
        self.expect("well", {"data": 20}, {})

    def test_seen_in_metrics_and_on_the_screen_without_an_agent_too(self):
        self.expect("refused", {"ECONNREFUSED": 7}, {"refused": 7}, count=7)
        total = self.failed("refused")["failedBy"]["refused"]
        sample = re.compile(r'weir_connection_failures_total{[^}]*source_workload="client"[^}]*destination_service="refused.shop"'
                            r'[^}]*reason="(\w+)"} (\d+)')
        shown = wait_for(lambda: dict(sample.findall(self.lab.metrics())), "the metric", 3)
        self.assertEqual(set(shown), set(REASONS))
        wait_for(lambda: dict(sample.findall(self.lab.metrics()))["refused"] == str(total), "the count", 3)
        row = rf"client\.shop +refused\.shop +80/TCP +0\.0% +{total} +0 +{total} +- +- +- +refused {total}\n"
        self.assertRegex(self.lab.weir("edges").stdout, row)
        self.assertIn(f'"client.shop" -> "refused.shop" [label="80/TCP\\n{total} opened, 0.0% well", color=red];',
                      self.lab.weir("edges", "-o", "dot").stdout)
        [edge] = self.lab.weir("edges", "refused.shop", "-o", "json", parse=True)["items"]
        self.assertEqual((edge["workload"], edge["counts"]["failedBy"]), ("client.shop", {"refused": total}))
        self.lab.kill_agent()
        try:
            self.assertRegex(self.lab.weir("edges", "refused.shop").stdout, row)
            self.expect("refused", {"ECONNREFUSED": 3}, {"refused": 3}, count=3)
        finally:
            self.lab.start_agent()


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""Connects that go to no service are seen: by caller and class of destination, counted exactly, with nothing done to
them."""

import re
import unittest

from case import VIP, LabCase, service_yaml, wait_for

PROBE = """
import socket, sys
kind = socket.SOCK_DGRAM if sys.argv[3] == "udp" else socket.SOCK_STREAM
for _ in range(int(sys.argv[2])):
    s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, kind)
    s.settimeout(0.05)
    try:
        s.connect((sys.argv[1], 9))
    except OSError:
        pass
    s.close()
"""


class Unmanaged(LabCase):
    @classmethod
    def mesh(cls):
        return ("services:\n" + service_yaml("orders.shop", [VIP], [cls.a.ip])
                + f"workloads:\n  client.shop: {{cgroup: {cls.lab.pattern('client')}}}\n")

    def connect(self, address, count, protocol="tcp", pod=None):
        (pod or self.client).run("python3", "-c", PROBE, address, count, protocol)

    def rows(self, *words):
        return {(r["workload"], r["destination"], r["protocol"]): r["connects"]
                for r in self.lab.weir("edges", "--unmanaged", "-o", "json", *words, parse=True)["items"]}

    def grown(self, do):
        before = self.rows()
        do()
        return {k: v - before.get(k, 0) for k, v in self.rows().items() if v != before.get(k, 0)}

    def test_they_are_counted_by_caller_and_destination(self):
        def all_kinds():
            self.connect("127.0.0.1", 3)
            self.connect("::1", 2)
            self.connect(self.a.ip, 4)
            self.connect(self.a.ip6, 1)
            self.connect("192.0.2.1", 2)
            self.connect("2001:db8::1", 1)
            self.connect(self.a.ip, 5, "udp")
            self.connect(self.client.ip, 6, pod=self.b)
            self.client.connects(VIP, 80, count=9)  # managed
        self.assertEqual(self.grown(all_kinds), {
            ("client.shop", "node", "TCP"): 5, ("client.shop", "private", "TCP"): 5, ("client.shop", "outside", "TCP"): 3,
            ("client.shop", "private", "UDP"): 5, ("unknown", "private", "TCP"): 6})
        self.assertRegex(self.lab.weir("edges", "--unmanaged").stdout, r"client\.shop +outside +TCP +\d+\n")
        wanted = self.rows()["client.shop", "outside", "TCP"]
        line = re.compile(r'^weir_unmanaged_connects_total\{source_workload="client",source_workload_namespace="shop",'
                          rf'destination="outside",request_protocol="tcp"\}} {wanted}$', re.M)
        wait_for(lambda: line.search(self.lab.metrics()), "the series")

    def test_they_are_seen_with_the_agent_dead_and_stay(self):
        before = self.rows()
        self.lab.kill_agent()
        self.connect(self.a.ip, 4)
        dead = self.rows()
        self.assertEqual(dead["client.shop", "private", "TCP"] - before.get(("client.shop", "private", "TCP"), 0), 4)
        self.lab.start_agent()
        self.assertEqual(self.rows(), dead)


class NotCounted(Unmanaged):
    AGENT_FLAGS = ("--unmanaged", "0")

    def test_they_are_counted_by_caller_and_destination(self):
        self.connect(self.a.ip, 4)
        self.assertEqual(self.rows(), {})
        self.assertEqual(self.lab.weir("edges", "--unmanaged").stdout, "No connect went to anything but a service.\n")

    def test_they_are_seen_with_the_agent_dead_and_stay(self):
        pass


if __name__ == "__main__":
    unittest.main()

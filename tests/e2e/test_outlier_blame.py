#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whose fault a failed connect is: an endpoint's, or the network's of those who call it; and what speaks for an endpoint
that is out. By the kernel alone: the clients' own errors are the truth that counts are held against."""

import json
import subprocess
import sys
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from case import SLOW, VIP, VIP6, Background, LabCase, run, service_yaml, wait_for
from test_connection_limits import GRAB

OTHER = "10.96.0.88"
# Greets whoever connects, and keeps the connection; listens for no more than so many, where a number is given.
KEEPER = """
import socket, sys, time
server = socket.create_server(("::", 8080), family=socket.AF_INET6, backlog=100, dualstack_ipv6=True)
print("ready", flush=True)
held = []
while len(sys.argv) < 2 or len(held) < int(sys.argv[1]):
    held.append(server.accept()[0]); held[-1].sendall(b"b\\n")
server.close()
time.sleep(1000)
"""
# Connects, from a port of its own where one is given, reads a byte, and keeps the connection; says something after a line.
HOLDER = """
import socket, sys, time
s = socket.socket()
s.bind(("", int(sys.argv[2])))
s.connect((sys.argv[1], 80)); s.recv(1)
print("held", s.getpeername()[0], flush=True)
sys.stdin.readline()
s.sendall(b"are you there")
time.sleep(1000)
"""
# Opens connections one after another and keeps them all.
COLLECTOR = """
import socket, sys, time
held = []
print("begun", flush=True)
while True:
    s = socket.socket()
    try:
        s.connect((sys.argv[1], 80)); s.recv(1)
    except OSError:
        pass
    held.append(s)
    time.sleep(0.05)
"""


class Blame(LabCase):
    SERVERS = ("a", "b", "c")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.lab.pod("other")

    def detect(self, endpoints=None, extra="", mode="steer", algorithm="round-robin", **settings):
        given = {"consecutiveFailures": 3, "baseEjectionTime": "5m"} | settings
        flow = ", ".join(f"{name}: {value}" for name, value in given.items())
        self.lab.apply("services:\n" + service_yaml("orders.shop", [VIP, VIP6], endpoints or [self.a.ip, self.b.ip], algorithm=algorithm)
                       + f"    outlierDetection: {{{flow}}}\n" + extra
                       + f"workloads:\n  client.shop: {{cgroup: {self.lab.pattern('client')}}}\n"
                       f"  other.shop: {{cgroup: {self.lab.pattern('other')}, mode: {mode}}}\n")

    def setUp(self):
        self.lab.apply("services: {}\n")
        wait_for(lambda: self.lab.weir("status", "-o", "json", parse=True)["ejectedEndpoints"] == 0, "nobody to be out")
        self.ejections = self.reason("endpoint_ejected")

    def ejected(self):
        return self.reason("endpoint_ejected") - self.ejections

    def becomes(self, script, *words):
        process = self.b.start(sys.executable, "-c", script, *words)
        self.addCleanup(process.stop)
        process.first_line("ready")
        return process

    def calls(self, script, *words):
        """A client that goes on until the test ends."""
        process = self.client.start(sys.executable, "-c", script, VIP, *words, stdin=subprocess.PIPE)
        self.addCleanup(process.stop)
        process.stdout.readline()
        return process

    def on_the_way(self, *rules):
        """In the node between the pods."""
        self.all_well()
        self.addCleanup(self.all_well)
        run("ip", "netns", "exec", self.lab.node, "nft", "add table inet way; add chain inet way f { type filter hook forward priority 0; }; "
            + "".join(f"add rule inet way f {rule}; " for rule in rules))

    def all_well(self):
        run("ip", "netns", "exec", self.lab.node, "nft", "delete table inet way", check=False)

    def test_a_pod_whose_own_network_fails_ejects_nobody(self):
        """Others on the node are answered; but not in its network namespace."""
        self.detect(extra="    timeouts: {connect: 50ms}\n")
        self.assert_clean(self.other.connects(VIP, 80, count=10))
        self.on_the_way(f"ip saddr {self.other.ip} drop")
        with Background(self.other, threads=8, batch=80) as cut_off:
            for _ in range(12):  # seldom, and to one of the two: those that go well end its row of failures
                self.assert_clean(self.client.connects(VIP, 80))
                time.sleep(0.3 * SLOW)
        self.assertEqual((list(cut_off.errors), cut_off.greeted, self.ejected()), (["ETIMEDOUT"], {}, 0))

    def test_a_pod_that_is_cut_off_adds_nothing_to_what_others_saw(self):
        """An endpoint has failed for one that is well, and not often enough."""
        self.detect(extra="    timeouts: {connect: 50ms}\n", consecutiveFailures=5)
        self.assert_clean(self.other.connects(VIP, 80, count=4))
        self.on_the_way(f"ip saddr {self.client.ip} ip daddr {self.b.ip} drop", f"ip saddr {self.other.ip} drop")
        self.assertEqual(self.client.connects(VIP, 80, count=6)["errors"], {"ETIMEDOUT": 3})
        self.assertEqual(self.other.connects(VIP, 80, count=40, threads=4)["errors"], {"ETIMEDOUT": 40})
        self.assertEqual(self.ejected(), 0)
        self.client.connects(VIP, 80, count=4)
        self.assertEqual((self.ejected(), self.client.connects(VIP, 80, count=10)["greeted"]), (1, {"a": 10}))

    def test_what_an_outage_lost_speaks_against_nobody_when_it_is_over(self):
        """All have failed, then one answers; and connects that sent their last SYN before that end after it."""
        self.detect(endpoints=[self.a.ip, self.b.ip, self.c.ip], extra=f"    timeouts: {{connect: {int(3000 * SLOW)}ms}}\n")
        for _ in range(2):
            self.on_the_way(f"ip saddr {self.client.ip} drop")
            self.assertEqual(self.client.connects(VIP, 80, count=12, threads=12)["errors"], {"ETIMEDOUT": 12})
            with ThreadPoolExecutor(1) as pool:
                late = pool.submit(self.client.connects, VIP, 80, count=6, threads=6)
                time.sleep(2.4 * SLOW)
                self.all_well()
                self.assert_clean(self.client.connects(VIP, 80))
                self.assertEqual(late.result()["errors"], {"ETIMEDOUT": 6})
            self.assertEqual(self.ejected(), 0)
            self.assert_clean(self.client.connects(VIP, 80, count=6))
        # And one that really is silent is still found.
        self.on_the_way(f"ip daddr {self.b.ip} drop")
        self.assertEqual(self.client.connects(VIP, 80, count=30)["errors"], {"ETIMEDOUT": 3})

    def test_an_observed_caller_says_nothing_of_endpoints(self):
        """What it reaches is the service's address itself."""
        real = self.lab.pod("real")
        real.run("ip", "addr", "add", VIP + "/32", "dev", "lo")
        self.lab.in_netns(self.lab.node, lambda: self.lab.node_route(VIP + "/32", real))
        self.addCleanup(run, "ip", "-n", self.lab.node, "route", "del", VIP + "/32")
        self.detect(mode="observe", baseEjectionTime=f"{int(1000 * SLOW)}ms")
        self.assertEqual(self.other.connects(VIP, 80, count=40)["errors"], {"ECONNREFUSED": 40})
        self.assertEqual(self.ejected(), 0)
        self.assertEqual(self.client.connects(VIP, 80, count=10)["greeted"], {"a": 5, "b": 5})
        real.serve(80)
        self.refuse()
        self.client.connects(VIP, 80, count=20)
        self.assertEqual(self.ejected(), 1)
        time.sleep(1.5 * SLOW)  # its time is over
        tries, restores = self.reason("half_open_try"), self.reason("endpoint_restored")
        self.assertEqual(self.other.connects(VIP, 80, count=40)["greeted"], {"real": 40})
        self.assertEqual((self.reason("half_open_try"), self.reason("endpoint_restored")), (tries, restores))
        self.client.connects(VIP, 80, count=4)
        self.assertEqual(self.reason("half_open_try"), tries + 1)

    def test_a_router_that_says_no(self):
        for family, vip, endpoints, rule, said in (
                (4, VIP, [self.a.ip, self.b.ip], f"ip daddr {self.b.ip} reject with icmp type admin-prohibited", "EHOSTUNREACH"),
                (6, VIP6, [self.a.ip6, self.b.ip6], f"ip6 daddr {self.b.ip6} reject with icmpv6 type admin-prohibited", "EACCES")):
            with self.subTest(family=family):
                self.detect(endpoints)
                self.on_the_way(rule)
                tally = self.client.connects(vip, 80, count=60)
                self.assertEqual((tally["errors"], tally["greeted"]), ({said: 3}, {"a": 57}))
                self.all_well()
                self.lab.apply("services: {}\n")

    def test_endpoints_of_ipv6(self):
        self.detect([self.a.ip6, self.b.ip6], baseEjectionTime=f"{int(1000 * SLOW)}ms")
        tries = self.reason("half_open_try")
        self.refuse()
        tally = self.client.connects(VIP6, 80, count=200)
        self.assertEqual(tally["errors"], {"ECONNREFUSED": 3 + self.reason("half_open_try") - tries})
        self.serve()
        wait_for(lambda: self.client.connects(VIP6, 80, count=20)["greeted"].get("b", 0) == 10, "it to come back")

    def test_one_connection_that_is_stuck_is_not_the_endpoint(self):
        """Nobody else calls the service, and others are answered."""
        self.detect(extra=service_yaml("other.shop", [OTHER], [self.c.ip]))
        self.refuse()
        self.becomes(KEEPER)
        stalled = self.reason("connection_stalled")
        holders = [self.calls(HOLDER, port) for port in (9001, 9002)]  # one each
        self.on_the_way(f"ip daddr {self.b.ip} tcp sport {{ 9001, 9002 }} drop")
        for holder in holders:
            holder.stdin.write("\n")
            holder.stdin.flush()
        for _ in range(40):  # it is sent again, and again
            self.assert_clean(self.client.connects(OTHER, 80, count=6))
            time.sleep(0.12 * SLOW)
        self.assertEqual((self.reason("connection_stalled") - stalled, self.ejected()), (1, 0))

    def test_bytes_of_a_connection_that_stays_open_bring_it_back(self):
        """It was out for resetting what it accepted."""
        from test_outliers import RESETTER
        self.detect(baseEjectionTime=f"{int(300 * SLOW)}ms")
        self.refuse()
        resetter = self.becomes(RESETTER)
        self.client.connects(VIP, 80, count=20)
        self.assertEqual(self.ejected() > 0, True)
        resetter.stop()
        self.becomes(KEEPER)
        self.calls(COLLECTOR)
        wait_for(lambda: self.endpoint(self.b)["state"] == "serving", "it to come back")

    def test_one_that_is_still_held_comes_back_as_new(self):
        """It is left by the mesh and named again while a connection to it is open."""
        self.detect()
        self.refuse()
        self.becomes(KEEPER, 1)
        for _ in range(2):  # one each
            self.calls(HOLDER, 0)
        self.client.connects(VIP, 80, count=20)
        self.assertEqual(self.endpoint(self.b)["state"], "ejected")
        self.detect([self.a.ip])
        self.detect()
        self.assertEqual((self.endpoint(self.b)["state"], self.endpoint(self.b)["share"]), ("serving", 0.5))

    def test_one_of_many_at_once_tries_it(self):
        """And nobody else, for as long as it takes to fail."""
        self.detect(baseEjectionTime=f"{int(2000 * SLOW)}ms", extra=f"    timeouts: {{connect: {int(500 * SLOW)}ms}}\n")
        self.on_the_way(f"ip daddr {self.b.ip} drop")
        self.client.connects(VIP, 80, count=8)
        self.assertEqual(self.ejected(), 1)
        time.sleep(2.5 * SLOW)
        tries = self.reason("half_open_try")
        process = self.client.start(sys.executable, GRAB, VIP, 80, "--processes", 8, "--each", 30, stdin=subprocess.PIPE)
        seen = json.loads(process.first_line("held").split(maxsplit=1)[1])
        self.assertEqual((seen["held"], seen["errors"]), (239, {"ETIMEDOUT": 1}))
        self.assertEqual(self.reason("half_open_try") - tries, 1)


if __name__ == "__main__":
    unittest.main()

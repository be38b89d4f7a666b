#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Outlier detection by a share of failures, by open connections that fall silent, and its panic threshold. By the kernel
alone: the client's own errors are the truth that counts are held against."""

import sys
import time
import unittest

from case import SLOW, VIP, Background, LabCase, run, service_yaml, wait_for

OTHER = "10.96.0.88"
# Opens so many connections, then says something on each, and waits.
HOLDER = """
import socket, sys, time
held = []
for _ in range(int(sys.argv[2])):
    s = socket.create_connection((sys.argv[1], 80))
    s.recv(1)
    held.append(s)
print("ready", flush=True)
sys.stdin.readline()
for s in held:
    s.sendall(b"are you there\\n")
time.sleep(1000)
"""
# Says a byte to whoever connects, and keeps the connection.
KEEPER = """
import socket
server = socket.create_server(("::", 8080), family=socket.AF_INET6, backlog=100, dualstack_ipv6=True)
print("ready", flush=True)
held = []
while True:
    held.append(server.accept()[0]); held[-1].sendall(b"x")
"""


class Failures(LabCase):
    SERVERS = ("a", "b", "c")

    def detect(self, endpoints=None, extra="", **settings):
        given = {"baseEjectionTime": "5m"} | settings
        flow = ", ".join(f"{name}: {value}" for name, value in given.items())
        self.lab.apply("services:\n" + service_yaml("orders.shop", [VIP], endpoints or [self.a.ip, self.b.ip], algorithm="round-robin")
                       + f"    outlierDetection: {{{flow}}}\n" + extra
                       + f"workloads:\n  client.shop: {{cgroup: {self.lab.pattern('client')}}}\n")

    def setUp(self):
        if self.lab.agent.poll() is not None:
            self.lab.start_agent()
        self.lab.apply("services: {}\n")
        wait_for(lambda: self.lab.weir("status", "-o", "json", parse=True)["ejectedEndpoints"] == 0, "nobody to be out")

    def connects(self, count):
        return self.client.connects(VIP, 80, count=count)


class Share(Failures):
    RATE = {"consecutiveFailures": 1000, "failurePercent": 50, "minConnections": 20, "interval": "5m"}

    def begin(self, **settings):
        """Not within a breath of the next window."""
        self.detect(**self.RATE | settings)
        while time.monotonic() % 300 > 270:
            time.sleep(1)
        self.assertEqual(self.connects(40)["greeted"], {"a": 20, "b": 20})

    def test_half_of_its_connects_failed(self):
        """With the agent dead: those that succeeded count, too, and it is out with the 20th of 40."""
        self.begin()
        self.lab.kill_agent()
        self.refuse("b")
        tally = self.connects(200)
        self.assertEqual(tally["errors"], {"ECONNREFUSED": 20})
        self.assertEqual(tally["greeted"], {"a": 180})
        self.lab.start_agent()
        shown = self.endpoint(self.b)
        self.assertEqual((shown["state"], shown["reason"], shown["share"]), ("ejected", "20 of 40 connects failed", 0))
        self.assertIn("20 of 40 connects failed", self.lab.weir("explain", "client.shop", "orders.shop").stdout)

    def test_fewer_do_not_tell(self):
        self.begin(minConnections=60)
        self.refuse("b")
        self.assertEqual(self.connects(60)["errors"], {"ECONNREFUSED": 30})  # 30 of 50
        self.assertEqual(self.endpoint(self.b)["state"], "serving")

    def test_failures_of_two_intervals_are_not_added(self):
        seconds = 2 * SLOW
        self.detect(**self.RATE | {"interval": f"{seconds:.0f}s", "minConnections": 10})
        self.refuse("b")
        for _ in range(4):  # 6 failures in each interval at most twice
            self.assertEqual(self.connects(6)["errors"], {"ECONNREFUSED": 3})
            time.sleep(1.1 * seconds)
        self.assertEqual(self.endpoint(self.b)["state"], "serving")
        self.connects(40)
        self.assertEqual(self.endpoint(self.b)["state"], "ejected")

    def test_who_comes_back_begins_anew(self):
        self.begin(baseEjectionTime=f"{int(300 * SLOW)}ms", failurePercent=30)
        self.refuse("b")
        self.connects(100)
        self.serve("b")
        wait_for(lambda: self.connects(2) and self.endpoint(self.b)["state"] == "serving", "it to come back", 20 * SLOW)
        self.refuse("b")
        failed = self.connects(8)["errors"]  # with those of before it would be more than 30 %
        self.assertEqual((failed, self.endpoint(self.b)["state"]), ({"ECONNREFUSED": 4}, "serving"))


class Silent(Failures):
    def test_open_connections_that_fall_silent(self):
        """Nobody connects to the service any more; others on this node are answered. It is lost packets' daily bread that
        a first timeout tells nothing."""
        for name in ("a", "b"):
            self.refuse(name)
            keeper = getattr(self, name).start(sys.executable, "-c", KEEPER)
            self.addCleanup(keeper.stop)
            keeper.first_line("ready")
        self.detect(extra=service_yaml("other.shop", [OTHER], [self.c.ip]))
        before = self.reason("connection_stalled")
        holder = self.client.start(sys.executable, "-c", HOLDER, VIP, 6, stdin=-1)
        self.addCleanup(holder.stop)
        holder.first_line("ready")
        rule = ["ip", "netns", "exec", self.lab.node, "nft"]
        run(*rule, f"add table inet silent; add chain inet silent f {{ type filter hook forward priority 0; }}; add rule inet silent f ip daddr {self.b.ip} drop")
        self.addCleanup(run, *rule, "delete table inet silent", check=False)
        with Background(self.client, OTHER):
            holder.stdin.write("\n")
            holder.stdin.flush()
            wait_for(lambda: self.endpoint(self.b)["state"] == "ejected", "the silent one to be out", 20 * SLOW)
        self.assertEqual(self.endpoint(self.a)["state"], "serving")
        self.assertEqual(self.reason("connection_stalled") - before, 3)
        held_by_a = self.client.start(sys.executable, "-c", HOLDER, VIP, 20)
        self.addCleanup(held_by_a.stop)
        held_by_a.first_line("ready")  # not one of them had to wait for b
        self.assertEqual(self.reason("half_open_try"), 0)


class Panic(Failures):
    def setUp(self):
        super().setUp()
        self.detect([self.a.ip, self.b.ip, self.c.ip], maxEjectionPercent=100, minHealthPercent=60)
        self.assertEqual(self.connects(30)["errors"], {})

    def test_with_too_few_in_all_are_used(self):
        """With the agent dead."""
        self.lab.kill_agent()
        self.refuse("b")
        self.connects(60)
        self.assertEqual(self.connects(30)["greeted"], {"a": 15, "c": 15})  # 2 of 3 are in: above 60 %
        self.refuse("c")
        self.connects(60)
        tally = self.connects(90)  # 1 of 3
        self.assertEqual((tally["greeted"], tally["errors"]), ({"a": 30}, {"ECONNREFUSED": 60}))
        self.lab.start_agent()
        self.assertGreaterEqual(self.reason("outlier_panic"), 90)
        self.assertIn("outlierDetection", self.lab.weir("config", "orders.shop").stdout)
        for pod in (self.b, self.c):
            shown = self.endpoint(pod)
            self.assertEqual((shown["state"], round(shown["share"], 3)), ("ejected", 0.333))
            self.assertIn("used, since too few are in", shown["reason"])
        told = self.lab.weir("explain", "client.shop", "orders.shop").stdout
        self.assertIn("over 3 of 3 endpoints", told)
        self.assertIn("used, since too few are in", told)
        wait_for(lambda: "too few endpoints are in" in self.lab.agent_log(), "the log to say so")
        self.serve("b")
        self.connects(6)  # the first success brings b back, and 2 of 3 are in again
        time.sleep(0.05)
        self.assertEqual(self.connects(30)["greeted"], {"a": 15, "b": 15})
        self.assertEqual(round(self.endpoint(self.a)["share"], 3), 0.5)

    def test_who_is_out_by_hand_stays_out(self):
        self.refuse("b")
        self.connects(60)
        self.lab.weir("eject", "orders.shop", f"{self.a.ip}:8080", "--for", "5m")
        self.refuse("c")  # b and c are what there is, and both are out
        tally = self.connects(60)
        self.assertEqual((tally["greeted"], tally["errors"]), ({}, {"ECONNREFUSED": 60}))
        self.assertEqual((self.endpoint(self.a)["share"], round(self.endpoint(self.b)["share"], 2)), (0, 0.5))
        self.lab.weir("restore", "orders.shop", f"{self.a.ip}:8080")

    def test_who_is_out_by_hand_is_not_missed(self):
        self.detect([self.a.ip, self.b.ip, self.c.ip], maxEjectionPercent=100, minHealthPercent=70)
        self.refuse("b")
        self.connects(30)
        self.serve("b")
        self.lab.weir("restore", "orders.shop")
        self.lab.weir("eject", "orders.shop", f"{self.c.ip}:8080", "--for", "5m")
        panics = self.reason("outlier_panic")
        self.assertEqual(self.connects(30)["greeted"], {"a": 15, "b": 15})  # 2 of 2
        self.assertEqual(self.reason("outlier_panic"), panics)
        self.lab.weir("restore", "orders.shop", f"{self.c.ip}:8080")

    def test_failures_in_panic_do_not_make_ejections_longer(self):
        self.detect(maxEjectionPercent=100, minHealthPercent=60, baseEjectionTime="10s")
        self.refuse("b")
        self.connects(400)
        self.assertLess(self.endpoint(self.b)["untilSeconds"], 25)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How an ejected endpoint comes back: what counts as a success where servers say nothing, and with which share it begins."""

import sys
import time
import unittest

from case import SLOW, VIP, VIP6, service_yaml, wait_for
from test_outliers import RESETTER, Detecting

# Accepts, and listens: a collector of logs.
SINK = """
import socket
server = socket.create_server(("::", 8080), family=socket.AF_INET6, backlog=100, dualstack_ipv6=True)
print("ready", flush=True)
held = []
while True:
    held.append(server.accept()[0])
"""
# Opens a connection every 50 ms, says something on it and keeps it; how many were refused or reset.
SHIPPER = """
import socket, sys, time
held, end = [], time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    try:
        held.append(socket.create_connection((sys.argv[1], 80)))
        held[-1].sendall(b"a line\\n")
    except ConnectionError:
        pass
    time.sleep(0.05)
print("held", flush=True)
time.sleep(1000)
"""


class Recovery(Detecting):
    SERVERS = ("a", "b")

    def start_program(self, pod, program):
        process = pod.start(sys.executable, "-c", program)
        self.addCleanup(process.stop)
        process.first_line("ready")
        return process

    def ship(self, seconds):
        shipper = self.client.start(sys.executable, "-c", SHIPPER, VIP, seconds)
        self.addCleanup(shipper.stop)
        shipper.first_line("held")

    def test_servers_that_never_say_a_byte(self):
        """After resets a handshake alone is no success; that the connection of a try is not reset until the next one is. With
        the agent dead."""
        for name in ("a", "b"):
            self.refuse(name)
        self.start_program(self.a, SINK)
        resetter = self.start_program(self.b, RESETTER)
        self.detect(baseEjectionTime=f"{int(500 * SLOW)}ms")
        before = self.sums()
        self.ship(2 * SLOW)
        self.assertEqual((self.sums()["ejected"], self.sums()["restores"]), (1, before["restores"]))
        resetter.stop()
        self.start_program(self.b, SINK)
        self.lab.kill_agent()
        self.ship(8 * SLOW)  # the ejection of then is over after 2.5 s at most
        self.lab.start_agent()
        self.assertEqual((self.sums()["ejected"], self.sums()["restores"]), (0, before["restores"] + 1))
        # All that the shipper has opened is open; and b has its half of what came last.
        active = self.endpoint(self.b)["counts"]["active"]
        self.ship(1 * SLOW)
        self.assertGreater(self.endpoint(self.b)["counts"]["active"] - active, 4)

    def test_over_ipv6(self):
        self.lab.apply("services:\n" + service_yaml("orders.shop", [VIP6], [self.a.ip6, self.b.ip6], algorithm="round-robin")
                       + f"    outlierDetection: {{consecutiveFailures: 3, baseEjectionTime: {int(500 * SLOW)}ms}}\n")
        before = self.sums()
        self.refuse()
        tally, after = self.client.connects(VIP6, 80, count=300), self.sums()
        failed = 3 + after["halfOpenTries"] - before["halfOpenTries"]
        self.assertEqual((tally["errors"], tally["greeted"]), ({"ECONNREFUSED": failed}, {"a": 300 - failed}))
        self.serve()
        wait_for(lambda: self.client.connects(VIP6, 80, count=20) and self.sums()["ejected"] == 0, "it to come back", 20 * SLOW)
        self.assertEqual(self.client.connects(VIP6, 80, count=100)["greeted"], {"a": 50, "b": 50})

    def test_who_comes_back_begins_small(self):
        lasts = 5 * SLOW
        self.lab.apply("services:\n" + service_yaml("orders.shop", [VIP], [self.a.ip, self.b.ip], algorithm=f"random, slowStart: {lasts:.0f}s")
                       + f"    outlierDetection: {{consecutiveFailures: 3, baseEjectionTime: {int(500 * SLOW)}ms}}\n")
        self.addCleanup(self.lab.apply, "services: {}\n")
        time.sleep(lasts)  # both have their whole share
        self.assertGreater(self.connects(200)["greeted"]["b"], 70)
        self.refuse()
        wait_for(lambda: self.connects(20) and self.sums()["ejected"] == 1, "it to be out", 20 * SLOW)
        shown = self.endpoint(self.b)
        self.assertLess(shown["sinceSeconds"], 20 * SLOW)
        self.assertGreaterEqual(shown["sinceSeconds"], 0)
        self.assertLess(shown["untilSeconds"], 5 * SLOW)  # half a second, and as much again with each try that failed meanwhile
        ends = time.monotonic() + lasts  # of its share a new one would have all by now
        while time.monotonic() < ends:
            self.connects(20)
        self.serve()
        restores = self.sums()["restores"]
        wait_for(lambda: self.connects(20) and self.sums()["restores"] > restores, "it to come back", 20 * SLOW)
        greeted = self.connects(200)["greeted"]
        self.assertLess(greeted.get("b", 0), 60)


if __name__ == "__main__":
    unittest.main()

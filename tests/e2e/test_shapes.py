#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ways in which endpoints fail that happen, and what comes of each (docs/mesh.md, "How endpoints fail"). What the client
itself saw is the truth."""

import json
import sys
import time
import unittest

from case import SLOW, VIP, LabCase, service_yaml, wait_for

# Says one byte to whoever connects, and resets.
RESETTER = """
import socket, struct, time
server = socket.create_server(("::", 8080), family=socket.AF_INET6, backlog=1000, dualstack_ipv6=True)
print("ready", flush=True)
while True:
    one, _ = server.accept()
    one.sendall(b"x"); time.sleep(0.002)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()
"""
# Listens for so long, and for so long does not.
FLAPPER = """
import socket, sys, threading, time
def greet(server):
    while True:
        try:
            one, _ = server.accept()
        except OSError:
            return
        one.sendall(b"b\\n"); one.close()
print("ready", flush=True)
while True:
    server = socket.create_server(("::", 8080), family=socket.AF_INET6, backlog=1000, dualstack_ipv6=True)
    threading.Thread(target=greet, args=(server,), daemon=True).start()
    time.sleep(float(sys.argv[1]))
    server.shutdown(socket.SHUT_RDWR); server.close()
    time.sleep(float(sys.argv[1]))
"""
# Accepts nobody: what has room in its queue is connected, and the rest gets no answer.
FULL = """
import socket, time
server = socket.socket(socket.AF_INET6)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("::", 8080)); server.listen(0)
print("ready", flush=True)
time.sleep(1000)
"""
# Connects again and again, so many times a second, for so long; what became of each.
STEADY = """
import collections, errno, json, socket, sys, time
seen, end, pause = collections.Counter(), time.monotonic() + float(sys.argv[2]), float(sys.argv[3])
held = []
while time.monotonic() < end:
    s = socket.socket()
    s.settimeout(5)
    try:
        s.connect((sys.argv[1], 80))
        seen["connected"] += 1
        held.append(s)  # so that a queue stays full
    except OSError as error:
        seen[errno.errorcode.get(error.errno, "timeout")] += 1
    time.sleep(pause)
print(json.dumps(seen))
"""


class Shapes(LabCase):
    SERVERS = ("a", "b")

    def setUp(self):
        self.b_server.stop()
        self.addCleanup(self.serve_b)
        self.lab.apply("services: {}\n")  # nobody is out at the start

    def serve_b(self):
        type(self).b_server = self.b.serve()

    def detect(self, detection, algorithm="round-robin", extra=""):
        self.lab.apply("services:\n" + service_yaml("orders.shop", [VIP], [self.a.ip, self.b.ip], algorithm=algorithm)
                       + (f"    outlierDetection: {{{detection}}}\n" if detection else "") + extra
                       + f"workloads:\n  client.shop: {{cgroup: {self.lab.pattern('client')}}}\n")

    def becomes(self, script, *arguments):
        process = self.b.start(sys.executable, "-c", script, *arguments)
        self.addCleanup(process.stop)
        process.first_line("ready")

    def steady(self, seconds, pause):
        return json.loads(self.client.run(sys.executable, "-c", STEADY, VIP, seconds, pause))

    def state(self):
        return self.lab.endpoints("orders.shop")[self.b.ip + ":8080"]

    def test_one_that_resets_after_a_byte_stays_in_and_is_counted(self):
        self.detect("consecutiveFailures: 3, baseEjectionTime: 1s")
        self.becomes(RESETTER)
        self.client.connects(VIP, 80, count=60)
        self.settled()
        self.assertEqual(self.state()["state"], "serving", self.state())
        edges = self.lab.weir("edges", "orders.shop", "-o", "json", parse=True)["items"]
        [edge] = [e for e in edges if e["endpoint"] == self.b.ip + ":8080"]
        self.assertEqual((edge["counts"]["opened"], edge["counts"]["failed"]), (30, 0))
        self.assertGreater(edge["counts"]["resetsReceived"] + edge["counts"]["resetsSent"], 0)

    def flapping(self, detection):
        self.detect(detection)
        seen = self.steady(6 * SLOW, 0.004)
        return seen.get("ECONNREFUSED", 0), sum(seen.values())

    def test_one_that_flaps_costs_a_few_connects_each_time(self):
        self.becomes(FLAPPER, 0.3)
        failed, all_ = self.flapping("")
        self.assertGreater(failed / all_, 0.15)  # one of two, down half of the time
        before = self.ejections()
        failed, all_ = self.flapping("consecutiveFailures: 3, baseEjectionTime: 1s")
        self.assertLess(failed / all_, 0.06)
        ejections = self.ejections() - before
        self.assertGreaterEqual(ejections, 1)
        self.assertLessEqual(failed, 3 * (ejections + 1))

    def ejections(self):
        reasons = self.lab.weir("status", "-o", "json", parse=True)["reasons"]
        return next(r["count"] for r in reasons if r["name"] == "endpoint_ejected")

    def test_one_whose_accept_queue_is_full_is_left_out(self):
        self.detect("consecutiveFailures: 3, baseEjectionTime: 5m", extra="    timeouts: {connect: 100ms}\n")
        self.becomes(FULL)
        seen = self.steady(3 * SLOW, 0.01)
        self.assertEqual(self.state()["state"], "ejected")
        self.assertEqual(seen["ETIMEDOUT"], 3)
        self.assertGreater(seen["connected"], 50)

    def test_one_that_comes_back_under_its_address_while_it_is_out(self):
        self.detect("consecutiveFailures: 3, baseEjectionTime: 5m")
        self.assertEqual(self.client.connects(VIP, 80, count=40)["errors"], {"ECONNREFUSED": 3})
        self.assertEqual(self.state()["state"], "ejected")
        self.lab.apply(self.mesh_of([self.a.ip]))
        wait_for(lambda: self.totals()["active"] == 0, "its connections to end")
        time.sleep(2.5 * SLOW)  # its row becomes free
        self.serve_b()
        self.detect("consecutiveFailures: 3, baseEjectionTime: 5m")
        self.assertEqual(self.client.connects(VIP, 80, count=40)["greeted"], {"a": 20, "b": 20})
        self.b_server.stop()


if __name__ == "__main__":
    unittest.main()

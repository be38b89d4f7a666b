#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""least-latency: connections go to endpoints that answer soon, by what answers took; and slow start, with every
algorithm. Who answered is the truth."""

import json
import os
import sys
import threading
import time
import unittest

from case import BIN, SLOW, VIP, LabCase, service_yaml

LOAD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "load.py")

# Asks so often, one question after another; who answered how often.
ONE_BY_ONE = """
import collections, json, socket, sys
answers = collections.Counter()
for _ in range(int(sys.argv[2])):
    with socket.create_connection((sys.argv[1], 80)) as s:
        s.sendall(b"?\\n")
        answers[s.makefile().readline().strip()] += 1
print(json.dumps(answers))
"""


class Loaded(LabCase):
    """Three servers that take 10 ms for an answer, and load that does not wait. Long times, so that a busy machine does not
    decide who is slow."""

    SERVERS = ()
    PODS = ("a", "b", "c")
    RATE = 150 / SLOW

    @classmethod
    def mesh(cls):
        cls.pods = {name: cls.lab.pod(name) for name in cls.PODS}
        for name in cls.PODS:
            cls.serve(name)
        return "services: {}\n"

    @classmethod
    def serve(cls, name, *words):
        process = cls.pods[name].start(sys.executable, LOAD, "serve", 8080, name, *(words or ("--ms", 10 * SLOW)))
        process.first_line("ready")
        return process

    def steer(self, algorithm="least-latency", pods=PODS, weights=(1, 1, 1), balance="", extra=""):
        ends = [(self.pods[name].ip, weight) for name, weight in zip(pods, weights)]
        text = service_yaml("orders.shop", [VIP], ends, algorithm=algorithm + balance)
        self.lab.apply("services:\n" + text + extra + f"workloads:\n  client.shop: {{cgroup: {self.lab.pattern('client')}}}\n")

    def setUp(self):
        if self.lab.agent is None:
            self.lab.start_agent()
        self.lab.apply("services: {}\n")  # nothing is known of anybody

    def load(self, seconds=2.0, **options):
        words = [w for key, value in options.items() for w in ("--" + key.replace("_", "-"), value)]
        return json.loads(self.client.run(sys.executable, LOAD, "ask", VIP, 80, "--per-second", self.RATE, "--seconds", seconds * SLOW, *words))

    def takes(self, name, ms):
        """From now on its answers take so long."""
        self.pods[name].run(sys.executable, "-c", "import socket, sys\ns = socket.create_connection(('127.0.0.1', 8080))\n"
                            "s.sendall(b'ms %s\\n' % sys.argv[1].encode()); s.recv(9)", ms * SLOW)

    def share(self, seen, name):
        return seen["answers"].get(name, 0) / sum(seen["answers"].values())


class LeastLatency(Loaded):
    def tearDown(self):
        self.takes("b", 10)

    def test_a_slow_endpoint_gets_few_connections(self):
        """What that does to latencies is a figure: tests/bench, slow_endpoint."""
        self.takes("b", 200)
        self.steer("random")
        random = self.load()
        self.steer()
        self.load(0.5)
        seen = self.load(4)
        self.assertEqual(seen["errors"], {})
        self.assertGreater(self.share(random, "b"), 0.2)
        self.assertLess(self.share(seen, "b"), 0.2 * self.share(random, "b"))

    def test_what_is_known_is_shown(self):
        self.takes("b", 200)
        self.steer()
        self.load()
        items = {e["endpoint"]: e for e in self.lab.weir("endpoints", "orders.shop", "-o", "json", parse=True)["items"]}
        answer = {name: items[self.pods[name].ip + ":8080"]["answerSeconds"] for name in self.PODS}
        self.assertGreater(answer["b"], 0.19 * SLOW)
        self.assertLess(answer["b"], 0.6 * SLOW)
        for name in ("a", "c"):
            self.assertGreater(answer[name], 0.0095 * SLOW)
            self.assertLess(answer[name], answer["b"] / 2)
        told = self.lab.weir("explain", "client.shop", "orders.shop").stdout
        self.assertIn("least-latency over 3 of 3 endpoints", told)
        self.assertIn("ANSWER", told)

    def test_one_that_is_well_again_is_found(self):
        """With the agent dead."""
        self.takes("b", 200)
        self.steer()
        self.load()
        self.lab.kill_agent()
        self.takes("b", 10)
        self.load(6)
        self.assertGreater(self.share(self.load(3), "b"), 0.1)

    def test_a_syn_that_was_sent_again(self):
        """A full accept queue looks like this: what it answers is quick, once somebody is let in."""
        self.steer(pods=("a", "b"), weights=(1, 1))
        self.load(1)
        pod = self.pods["b"]
        pod.run("nft", "add table inet full; add chain inet full in { type filter hook input priority 0; }; "
                "add rule inet full in tcp dport 8080 tcp flags & (syn | ack) == syn drop")
        holder = threading.Timer(0.5 * SLOW, pod.run, ["nft", "delete table inet full"])
        holder.start()
        self.assertEqual(self.load(0.3, patience=10 * SLOW)["errors"], {})  # those that met it took a second
        holder.join()
        items = {e["endpoint"]: e["answerSeconds"] for e in self.lab.weir("endpoints", "orders.shop", "-o", "json", parse=True)["items"]}
        self.assertGreater(items[pod.ip + ":8080"], 0.3)
        self.assertLess(items[self.pods["a"].ip + ":8080"], 0.2 * SLOW)

    def test_one_that_accepts_and_never_answers(self):
        """It costs as few connections as any that are busy; and those who gave up count for it."""
        self.steer(pods=("a", "c"), weights=(1, 1))
        self.load(1)
        silent = self.pods.setdefault("silent", self.lab.pod("silent"))
        server = self.serve("silent", "--shape", "silent")
        self.addCleanup(server.stop)
        self.steer(pods=("a", "c", "silent"))
        seen = self.load(5, patience=1.5 * SLOW)
        self.assertEqual(list(seen["errors"]), ["TIMEOUT"])
        self.assertLess(seen["errors"]["TIMEOUT"], 0.03 * seen["n"])
        items = self.lab.weir("endpoints", "orders.shop", "-o", "json", parse=True)["items"]
        self.assertGreater(next(e for e in items if e["endpoint"].startswith(silent.ip + ":"))["answerSeconds"], min(1.4 * SLOW, 4))  # 4.2 s is the most it keeps

    def test_one_that_was_slower_and_out_is_tried_at_once(self):
        """As soon as its time is over, though the other one is the quicker."""
        self.takes("b", 100)
        self.steer(pods=("a", "b"), weights=(1, 1), extra="    outlierDetection: {baseEjectionTime: 1s}\n")
        self.load()
        self.lab.weir("eject", "orders.shop", self.pods["b"].ip, "--for", f"{int(2 * SLOW)}s")
        time.sleep(2.3 * SLOW)
        tries, restores = self.reason("half_open_try"), self.reason("endpoint_restored")
        self.assertEqual(self.load(0.1)["errors"], {})
        self.assertEqual((self.reason("half_open_try") - tries, self.reason("endpoint_restored") - restores), (1, 1))

    def test_weights_count_as_capacity(self):
        """By what stands in line: answers that take long, so that connections are open at once."""
        for name in ("a", "c"):
            self.takes(name, 60)
            self.addCleanup(self.takes, name, 10)
        self.steer(pods=("a", "c"), weights=(1, 3))
        self.load(1)
        seen = self.load(4)
        self.assertEqual(seen["errors"], {})
        self.assertAlmostEqual(self.share(seen, "c"), 0.75, delta=0.09)


class SlowStart(Loaded):
    def test_of_endpoints_with_little_to_do(self):
        """No connection is open but the one that is to be: what counts is the share. It has some before it has all;
        one answer that a busy machine delays makes it the slower one for a while."""
        lasts = 20 * SLOW
        balance = f", slowStart: {lasts:.0f}s"
        self.steer("least-latency", ("a",), (1,), balance)
        time.sleep(lasts)
        self.steer("least-latency", ("a", "b"), (1, 1), balance)
        began = time.monotonic()
        time.sleep(0.3 * lasts)
        shares = []
        while not shares or max(shares) <= 0.1 and time.monotonic() < began + 0.7 * lasts:
            answers = json.loads(self.client.run(sys.executable, "-c", ONE_BY_ONE, VIP, 60))
            shares.append(answers.get("b", 0) / 60)
        self.assertGreater(max(shares), 0.1)
        self.assertLess(shares[0], 0.6)

    def test_the_share_of_a_new_endpoint_grows(self):
        latencies = () if "/asan/" in BIN else ("least-latency",)  # of a busy machine they say other things
        for algorithm in ("random", "round-robin", "least-connections", *latencies):
            with self.subTest(algorithm):
                self.lab.apply("services: {}\n")
                # Answers that take long, so that those who compare connections have some to compare.
                if algorithm.startswith("least"):
                    for name in ("a", "b"):
                        self.takes(name, 80)
                        self.addCleanup(self.takes, name, 10)
                balance = f", slowStart: {4 * SLOW:.0f}s"
                self.steer(algorithm, ("a",), (1,), balance)
                self.load(0.5)
                time.sleep(4 * SLOW)  # a has its whole share
                self.steer(algorithm, ("a", "b"), (1, 1), balance)
                early = self.load(1)
                time.sleep(3 * SLOW)
                late = self.load(2)
                self.assertEqual((early["errors"], late["errors"]), ({}, {}))
                self.assertLess(self.share(early, "b"), 0.4)
                self.assertGreater(self.share(early, "b"), 0.01)
                self.assertAlmostEqual(self.share(late, "b"), 0.5, delta=0.12)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""Equality, not plausibility: 100,000 connections that begin and end in all ways, among them dup, fork, kill -9,
SO_LINGER 0, non-blocking and repeated connects, AF_UNSPEC, MPTCP and refusals; an agent that is killed and upgraded
meanwhile, and scraped all the time. What weir counts is what the programs did, difference 0."""

import json
import subprocess
import sys
import threading
import time

from case import BIN, SLOW, VIP, LabCase, service_yaml, wait_until_equal
from test_connection_limits import GRAB

CHANGED = BIN + "/../../changed/bin/weir-agent"
LIVES = 100_000 if SLOW == 1 and "/asan/" not in BIN else 10_000  # there it is about memory


class Scrapes:
    """Scrapes as fast as they are answered, by several at once; an agent that is just away is no failure."""

    def __init__(self, lab, parallel=8):
        self.lab, self.stopped, self.count = lab, threading.Event(), 0
        self.threads = [threading.Thread(target=self._run) for _ in range(parallel)]

    def _run(self):
        while not self.stopped.is_set():
            try:
                self.lab.metrics()
                self.count += 1
            except (OSError, IndexError):  # it was just killed
                time.sleep(0.01)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()


class Equality(LabCase):
    @classmethod
    def mesh(cls, connections=100_000, per_endpoint=100_000):
        both, limits = [cls.a.ip, cls.b.ip], f"    limits: {{maxConnections: {connections}, maxConnectionsPerEndpoint: {per_endpoint}}}\n"
        return ("services:\n" + service_yaml("clean.shop", [VIP], both) + limits + service_yaml("dirty.shop", [VIP], both, port=81) + limits
                + service_yaml("refused.shop", [VIP], both, port=82, target=9)
                + service_yaml("nowhere.shop", [VIP], [], port=83)
                + f"workloads:\n  client.shop: {{cgroup: {cls.lab.pattern('client')}}}\n")

    def counts(self):
        """Of each service, over its endpoints, as `weir edges` has them."""
        sums = {}
        for edge in self.lab.weir("edges", "-o", "json", parse=True)["items"]:
            of = sums.setdefault(edge["service"], {})
            for name, value in edge["counts"].items():
                if name != "failedBy":
                    of[name] = of.get(name, 0) + value
        return sums

    def active(self):
        """By service, where there are any."""
        return {service: of["active"] for service, of in self.counts().items() if of["active"]}

    def have_room_for(self, count):
        """The counts that limits go by, which are others than those that are shown."""
        for port in (80, 81):
            holder = self.client.start(sys.executable, GRAB, VIP, port, "--each", 20, stdin=subprocess.PIPE)
            seen = json.loads(holder.first_line("held").split(maxsplit=1)[1])
            self.assertEqual(seen, {"held": count, "errors": {"ECONNREFUSED": 20 - count}})
            holder.stdin.close()
            holder.wait()

    def run_through_it_all(self, lives):
        """The agent is killed, another build takes over and gives back, and all of them are scraped."""
        turns = (None, CHANGED, None, BIN + "/weir-agent-next", None)
        with Scrapes(self.lab) as scrapes:
            while lives.poll() is None:
                for binary in turns:
                    time.sleep(0.4)
                    self.lab.kill_agent()
                    self.lab.start_agent(binary=binary)
        self.assertGreater(scrapes.count, 10)

    def test_100000_lives(self):
        lives = self.client.start(BIN + "/weir-peer", "lives", VIP, 80, "--count", LIVES, "--workers", 2, "--seed",
                                  time.time_ns() % 1_000_000)
        self.run_through_it_all(lives)
        tally = json.loads(lives.communicate()[0])
        self.assertEqual(tally["unexpected"], 0)
        wait_until_equal(self.active, {}, "every count to be 0", 150)
        last = None  # the last bytes of what was closed are counted when the other side has them
        while (counts := self.counts()) != last:
            last = counts
            time.sleep(0.5)
        clean, dirty, refused, nowhere = (counts[f"{name}.shop"] for name in ("clean", "dirty", "refused", "nowhere"))
        self.assertEqual({name: clean[name] for name in ("opened", "closed", "failed", "untracked", "bytesSent", "bytesReceived")},
                         {"opened": tally["clean"], "closed": tally["clean"], "failed": 0, "untracked": 0,
                          "bytesSent": tally["sent"], "bytesReceived": tally["received"]})
        self.assertEqual((dirty["opened"], dirty["closed"] + dirty["failed"]), (tally["dirty"], tally["dirty"]))
        self.assertLessEqual(dirty["bytesSent"], tally["dirty_written"])
        self.assertEqual((refused["opened"], refused["failed"]), (tally["refused"], tally["refused"]))
        self.assertEqual((nowhere["opened"], nowhere["failed"]), (tally["nowhere"], tally["nowhere"]))
        self.lab.apply(self.mesh(connections=7))
        self.have_room_for(7)
        self.lab.apply(self.mesh(per_endpoint=4))
        wait_until_equal(self.active, {}, "them to go")
        self.have_room_for(8)

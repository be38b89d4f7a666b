# SPDX-License-Identifier: Apache-2.0
"""What every e2e test stands on: a lab with an agent, one per test class, cleaned up whatever happens."""

import os
import signal
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE + "/../../deploy/lab", HERE + "/../tools"]
from lab import BIN, ROOT, SLOW, Lab, free_port, run, service_yaml, wait_for, wait_until_equal  # noqa: E402,F401


def interrupt(*_):
    raise KeyboardInterrupt  # unittest would take a SystemExit for a failed test, and go on


signal.signal(signal.SIGTERM, interrupt)
signal.signal(signal.SIGINT, interrupt)

VIP, VIP6 = "10.96.0.10", "fd00:96::10"


class Lateness(threading.Thread):
    """How late this machine runs who has slept until some time: nothing that is timed can be more exact."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.ended = 0.0, threading.Event()
        self.start()

    def run(self):
        due = time.monotonic() + 0.01
        while not self.ended.wait(max(0, due - time.monotonic())):
            now = time.monotonic()
            self.seen = max(self.seen, now - due)
            due = now + 0.01

    def most(self):
        """In seconds, since it was last asked for."""
        seen, self.seen = self.seen, 0.0
        return seen

    def stop(self):
        self.ended.set()
        self.join()


class LabCase(unittest.TestCase):
    """Two servers `a` and `b`, a client pod `client`, an agent with the class's mesh."""

    SERVERS = ("a", "b")
    AGENT_FLAGS = ()

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab()
        cls.addClassCleanup(cls.lab.close)
        for name in cls.SERVERS:
            pod = cls.lab.pod(name)
            setattr(cls, name, pod)
            setattr(cls, name + "_server", pod.serve())
        cls.client = cls.lab.pod("client")
        cls.lab.write_mesh(cls.mesh())
        cls.lab.start_agent(*cls.AGENT_FLAGS)

    @classmethod
    def mesh(cls):
        endpoints = [getattr(cls, name).ip for name in cls.SERVERS]
        return cls.mesh_of(endpoints)

    @classmethod
    def mesh_of(cls, endpoints, algorithm="round-robin", extra=""):
        return ("services:\n" + service_yaml("orders.shop", [VIP, VIP6], endpoints, algorithm=algorithm) + extra
                + f"workloads:\n  client.shop: {{cgroup: {cls.lab.pattern('client')}}}\n")

    def totals(self, service="orders.shop"):
        """Counts of connections of a service over all endpoints."""
        counts = self.lab.service(service)["counts"]
        return {name: counts[name] for name in ("opened", "closed", "failed", "active", "untracked")}

    def settled(self, service="orders.shop"):
        """The counts once nothing is active any more: closing is seen a moment after the client's close()."""
        try:
            wait_for(lambda: self.totals(service)["active"] == 0, "active to become 0")
        except TimeoutError as error:
            shown = {name: self.lab.weir(name, "-o", "json").stdout for name in ("edges", "connections")}
            raise AssertionError(f"{error}: {service} has {self.totals(service)}; {shown}") from None
        return self.totals(service)

    def reason(self, name):
        """How often something happened on the node."""
        return {r["name"]: r["count"] for r in self.lab.weir("status", "-o", "json", parse=True)["reasons"]}[name]

    def refuse(self, name="b"):
        """Until the test ends, or serve()."""
        getattr(self, name + "_server").stop()
        self.addCleanup(self.serve, name)

    def serve(self, name="b"):
        if getattr(self, name + "_server").poll() is not None:
            setattr(type(self), name + "_server", getattr(self, name).serve())

    def endpoint(self, pod):
        items = self.lab.weir("endpoints", "orders.shop", "-o", "json", parse=True)["items"]
        return next(e for e in items if e["endpoint"] == pod.ip + ":8080")

    def shares(self, service="orders.shop", port=8080):
        """Of new connections, of the servers in their order."""
        shares = {endpoint: row["share"] for endpoint, row in self.lab.endpoints(service).items()}
        return [round(shares[f"{getattr(self, name).ip}:{port}"], 3) for name in self.SERVERS]

    def assert_clean(self, tally):
        self.assertEqual(tally["errors"], {})
        self.assertEqual(tally["wrong_peer"], 0)


class Background:
    """Connects in a thread until stopped; the sum of what the client saw."""

    def __init__(self, pod, address=VIP, port=80, threads=2, batch=200):
        self.greeted, self.errors, self.wrong_peer, self.failure = {}, {}, 0, None
        self.stopped = threading.Event()
        self.arguments = (pod, address, port, threads, batch)
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        pod, address, port, threads, batch = self.arguments
        try:
            while not self.stopped.is_set():
                tally = pod.connects(address, port, count=batch, threads=threads)
                for name, count in tally["greeted"].items():
                    self.greeted[name] = self.greeted.get(name, 0) + count
                for name, count in tally["errors"].items():
                    self.errors[name] = self.errors.get(name, 0) + count
                self.wrong_peer += tally["wrong_peer"]
        except Exception as failure:  # shown by the test that reads it
            self.failure = failure

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()
        if self.failure:
            raise self.failure

    @property
    def total(self):
        return sum(self.greeted.values())

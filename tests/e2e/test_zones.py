#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Endpoints in the zone of the node come first; connects leave it when too few of them are in or have room, and come back. Who
greets, and the client's own errors, are the truth."""

import unittest

from case import BIN, SLOW, VIP, LabCase, run, service_yaml, wait_for

ALGORITHMS = ("random", "round-robin", "least-connections", "least-latency", "consistent-hash")
DETECTION = "    outlierDetection: {consecutiveFailures: 3, baseEjectionTime: %dms, maxEjectionPercent: 50}\n"


class Zones(LabCase):
    """`a` and `b` are in the node's zone, `c` and `d` are not."""

    SERVERS = ("a", "b", "c", "d")
    ZONES = {"a": "near", "b": "near", "c": "far", "d": "far"}

    @classmethod
    def mesh(cls):
        cls.lab.write_config("zone: near\n")
        return "services: {}\n"

    def setUp(self):
        self.lab.write_config("zone: near\n")
        if self.lab.agent is None or self.lab.agent.poll() is not None:
            self.lab.start_agent()
        self.lab.apply("services: {}\n")

    def steer(self, algorithm="random", extra="", labels="", service="trafficDistribution: PreferSameZone"):
        ends = [(getattr(self, name).ip, 1, f"zone: {zone}" + labels.replace("NAME", name)) for name, zone in self.ZONES.items()]
        self.lab.apply("services:\n" + service_yaml("orders.shop", [VIP], ends, algorithm=algorithm) + f"    {service}\n" + extra
                       + f"workloads:\n  client.shop: {{cgroup: {self.lab.pattern('client')}}}\n")

    def stop(self, *names):
        for name in names:
            getattr(self, name + "_server").stop()
            self.addCleanup(self.serve, name)

    def serve(self, *names):
        for name in names:
            if getattr(self, name + "_server").poll() is not None:
                setattr(type(self), name + "_server", getattr(self, name).serve())

    def connects(self, count):
        return self.client.connects(VIP, 80, count=count)

    def test_the_nodes_zone_comes_first(self):
        for algorithm in ALGORITHMS:
            with self.subTest(algorithm):
                self.steer(algorithm)
                tally = self.connects(200)
                self.assert_clean(tally)
                self.assertLessEqual(set(tally["greeted"]), {"a", "b"})
                if algorithm == "least-latency":  # by what is known of the two
                    self.assertEqual(sum(self.shares()[:2]), 1)
                else:
                    self.assertEqual(self.shares(), [0.5, 0.5, 0, 0])
        told = self.lab.weir("explain", "client.shop", "orders.shop").stdout
        self.assertIn("of another zone than this node's", told)

    def test_a_zone_that_is_gone(self):
        """All of it: each endpoint costs what its ejection costs, and the other zone serves. When it is back, all return. The
        agent is dead meanwhile."""
        self.steer(extra=DETECTION % (2000 * SLOW))
        self.assert_clean(self.connects(50))
        before = self.reason("zone_spilled"), self.reason("half_open_try")
        self.lab.kill_agent()
        self.stop("a", "b")
        tally = self.connects(600)
        after = self.reason("zone_spilled"), self.reason("half_open_try")
        tries = after[1] - before[1]
        self.assertEqual(tally["errors"], {"ECONNREFUSED": 6 + tries})
        self.assertEqual(set(tally["greeted"]), {"c", "d"})
        self.assertEqual(sum(tally["greeted"].values()), 600 - 6 - tries)
        self.assertGreater(after[0] - before[0], 400)
        self.assertEqual(self.shares()[:2], [0, 0])
        self.serve("a", "b")
        wait_for(lambda: set(self.connects(60)["greeted"]) == {"a", "b"}, "all to be served near by", 30 * SLOW)

    def drop(self, *pods):
        """What is sent to them is dropped on the way, without a word."""
        rules = "".join(f"add rule inet silent f ip daddr {pod.ip} drop; " for pod in pods)
        node = ["ip", "netns", "exec", self.lab.node, "nft"]
        run(*node, f"add table inet silent; add chain inet silent f {{ type filter hook forward priority 0; }}; {rules}")
        self.addCleanup(run, *node, "delete table inet silent", check=False)

    def test_a_zone_that_is_cut_off(self):
        """Nobody in it answers, so nobody of it can tell whether this node's own network is to blame: the other zone does."""
        for algorithm in ("random", "least-connections", "round-robin"):
            with self.subTest(algorithm):
                self.lab.apply("services: {}\n")
                self.steer(algorithm, extra=DETECTION % 60000 + f"    timeouts: {{connect: {int(200 * SLOW)}ms}}\n")
                self.assert_clean(self.connects(20))
                self.drop(self.a, self.b)
                first = self.connects(60)
                self.assertEqual(set(first["errors"]), {"ETIMEDOUT"})
                self.assertLess(first["errors"]["ETIMEDOUT"], 30)
                tally = self.connects(200)
                self.assert_clean(tally)
                self.assertLessEqual(set(tally["greeted"]), {"c", "d"})
                self.doCleanups()

    def test_panic_uses_all_zones(self):
        rate = "consecutiveFailures: 100, failurePercent: 50, minConnections: 10, minHealthPercent: 51"
        self.steer(extra=(DETECTION % 60000).replace("consecutiveFailures: 3", rate))
        self.stop("a", "b")
        self.connects(60)
        tally = self.connects(200)
        self.assertGreater(tally["greeted"]["c"] + tally["greeted"]["d"], 60)

    def test_a_zone_of_which_half_is_gone(self):
        """One draw in four finds nobody twice and leaves: the one that is left has no more than twice its share."""
        for algorithm in ALGORITHMS[:4]:
            with self.subTest(algorithm):
                self.lab.apply("services: {}\n")
                self.serve("b")
                self.steer(algorithm, extra=DETECTION % 60000)
                self.stop("b")
                self.connects(100)
                tally = self.connects(1200)
                self.assert_clean(tally)
                far = sum(tally["greeted"].get(name, 0) for name in ("c", "d"))
                if algorithm == "least-latency":  # of those that leave, all may find it quicker there
                    self.assertLess(far, 360)
                else:
                    self.assertAlmostEqual(far, 200, delta=60)
                    self.assertAlmostEqual(sum(self.shares()[2:]), 0.167, delta=0.002)

    def test_a_zone_that_is_full(self):
        """Its connections are as many as there may be: the next go elsewhere, and are refused only when nobody has room."""
        self.steer("least-connections", extra="    limits: {maxConnectionsPerEndpoint: 2}\n")
        held, before = [], self.reason("zone_spilled")
        self.addCleanup(lambda: [process.stop() for process in held])

        def hold():
            held.append(self.client.start(BIN + "/weir-peer", "hold", VIP, 80, "--interval", "1000"))
            return held[-1].first_line("holding").split()[1]

        names = [hold(), hold()]
        self.assertEqual(set(names), {"a", "b"})
        self.assertEqual(self.shares(), [0.5, 0.5, 0, 0])
        while names.count("a") + names.count("b") < 4:
            names.append(hold())
        self.assertEqual(self.shares()[:2], [0, 0])
        while len(names) < 8:
            names.append(hold())
        self.assertEqual(sorted(names), ["a", "a", "b", "b", "c", "c", "d", "d"])
        self.assertGreater(self.reason("zone_spilled"), before + 3)
        self.assertEqual(list(self.connects(1)["errors"]), ["ECONNREFUSED"])

    def test_a_node_of_no_zone_has_no_preference(self):
        self.addCleanup(self.lab.kill_agent)  # the next test's is of the old zone again
        self.lab.write_config("")
        self.lab.kill_agent()
        self.lab.start_agent()
        self.steer()
        self.assertEqual(set(self.connects(200)["greeted"]), set(self.SERVERS))
        self.lab.write_config("zone: far\n")  # a restart is enough
        self.lab.kill_agent()
        self.lab.start_agent()
        self.assertEqual(set(self.connects(200)["greeted"]), {"c", "d"})

    def test_zones_within_subsets(self):
        """v1 is `a` and `c`, v2 is `d`, which is far: the weights hold, and each subset has its own zone."""
        ends = {"a": "v1", "b": "v0", "c": "v1", "d": "v2"}
        listed = [(getattr(self, name).ip, 1, f"zone: {self.ZONES[name]}, labels: {{version: {ends[name]}}}") for name in self.SERVERS]
        self.lab.apply("services:\n" + service_yaml("orders.shop", [VIP], listed)
                       + "    subsets: {v1: {labels: {version: v1}, weight: 3}, v2: {labels: {version: v2}}}\n"
                       + "    trafficDistribution: PreferSameZone\n")
        greeted = self.connects(400)["greeted"]
        self.assertEqual(set(greeted), {"a", "d"})
        self.assertAlmostEqual(greeted["d"], 100, delta=5)
        self.assertEqual(self.shares(), [0.75, 0, 0, 0.25])


if __name__ == "__main__":
    unittest.main()

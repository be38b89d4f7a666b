#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""limits: how many connections a service and its endpoints may have, and how often a caller may connect. Exact, with
several processes on several CPUs that all want the last place; the callers' own tallies are the truth."""

import json
import os
import re
import subprocess
import sys
import time
import unittest

from case import SLOW, VIP, VIP6, LabCase, service_yaml, wait_for

GRAB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "grab.py")
OTHER = "10.96.0.77"
ALGORITHMS = ("random", "round-robin", "least-connections", "least-latency", "consistent-hash")


class Limited(LabCase):
    PROTOCOL = "TCP"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.lab.pod("other")

    def limit(self, algorithm="round-robin", endpoints=None, protocol="TCP", extra="", address=VIP, **limits):
        flow = ", ".join(f"{name}: {value}" for name, value in limits.items())
        self.lab.apply("services:\n" + service_yaml("orders.shop", [address], endpoints or [self.a.ip, self.b.ip], algorithm=algorithm, protocol=protocol)
                       + f"    limits: {{{flow}}}\n" + extra + f"workloads:\n  client.shop: {{cgroup: {self.lab.pattern('client')}}}\n"
                       f"  other.shop: {{cgroup: {self.lab.pattern('other')}}}\n")

    def setUp(self):
        if self.lab.agent is None:
            self.lab.start_agent()
        self.grabs = []
        self.addCleanup(self.let_go)
        self.lab.apply("services: {}\n")

    def let_go(self):
        for process in self.grabs:
            process.stdin.close()
            process.wait()
        self.grabs = []

    def grab(self, each, processes=1, pod=None, address=VIP, **options):
        words = [w for name, value in options.items() for w in ("--" + name.replace("_", "-"), value)]
        process = (pod or self.client).start(sys.executable, GRAB, address, 80, "--processes", processes, "--each", each, *words, stdin=subprocess.PIPE)
        self.grabs.append(process)
        return json.loads(process.first_line("held").split(maxsplit=1)[1])

    def failed_by(self):
        totals = {}
        for edge in self.lab.weir("edges", "orders.shop", "-o", "json", parse=True)["items"]:
            for reason, count in edge["counts"]["failedBy"].items():
                totals[reason] = totals.get(reason, 0) + count
        return totals

    def exact(self, opened, refused, reason="limit"):
        totals = self.totals()
        self.assertEqual((totals["opened"], totals["failed"], totals["untracked"]), (opened, refused, 0))
        self.assertEqual(totals["opened"], totals["closed"] + totals["failed"] + totals["active"])
        self.assertEqual(self.failed_by().get(reason, 0), refused)


class MaxConnections(Limited):
    def test_a_service_has_as_many_as_it_may(self):
        """Eight processes, on all CPUs; again and again, so that places that were let go are there again."""
        self.limit(maxConnections=37)
        for round_ in range(1, 6):
            seen = self.grab(40, processes=8)
            self.assertEqual((seen["held"], seen["errors"]), (37, {"ECONNREFUSED": 320 - 37}))
            self.exact(320 * round_, 283 * round_)
            self.let_go()
            self.settled()

    def test_a_limit_below_what_is_open_is_warned_of(self):
        self.limit(maxConnections=100)
        self.grab(20, processes=1)
        path = self.lab.directory + "/lower.yaml"
        with open(self.lab.directory + "/mesh.d/mesh.yaml") as now, open(path, "w") as file:
            file.write(now.read().replace("maxConnections: 100", "maxConnections: 19"))
        os.rename(path, self.lab.directory + "/mesh.yaml")
        for words in (("diff",), ("apply",)):
            warned = self.lab.weir(*words, self.lab.directory + "/mesh.yaml").stderr
            self.assertIn("warning: orders.shop:80/TCP has 20 open connections on this node, more than maxConnections 19", warned)
        self.assertEqual(self.lab.weir("diff", self.lab.directory + "/mesh.yaml").stderr, "")
        self.let_go()
        self.settled()

    def test_the_last_place_is_never_given_twice(self):
        """To two on two CPUs at the same moment."""
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("two CPUs are needed")
        for limit in ("maxConnections", "maxConnectionsPerEndpoint"):
            self.limit(endpoints=[self.a.ip], **{limit: 1})
            none, one, two = json.loads(self.client.run(sys.executable, GRAB, VIP, 80, "--duel", 4000))
            self.assertEqual(two, 0)
            self.assertGreater(one, 1000)
            self.assertEqual(none + one, 4000)
            self.settled()

    def test_an_endpoint_has_as_many_as_it_may(self):
        for algorithm in ALGORITHMS:
            with self.subTest(algorithm):
                self.limit(algorithm, maxConnectionsPerEndpoint=11)
                seen = self.grab(20, processes=4)
                self.assertEqual((seen["held"], list(seen["errors"])), (22, ["ECONNREFUSED"]))
                active = {e: row["counts"]["active"] for e, row in self.lab.endpoints("orders.shop").items() if row["counts"]["active"]}
                self.assertEqual(active, {self.a.ip + ":8080": 11, self.b.ip + ":8080": 11})
                told = self.lab.weir("explain", "client.shop", "orders.shop").stdout
                self.assertEqual(told.count("full: 11 connections are open"), 2)
                self.assertIn("no endpoint can take it (0 of 2 endpoints)", told)
                self.let_go()
                self.settled()
                self.lab.apply("services: {}\n")

    def test_full_is_not_sick(self):
        """With outlier detection, too: nobody is out, so there is no panic."""
        panics = lambda: next(r["count"] for r in self.lab.weir("status", "-o", "json", parse=True)["reasons"] if r["name"] == "outlier_panic")  # noqa: E731
        before = panics()
        self.limit(maxConnectionsPerEndpoint=3, extra="    outlierDetection: {}\n")
        self.assertEqual(self.grab(20)["held"], 6)
        self.assertEqual(panics(), before)

    def test_a_client_with_affinity_goes_elsewhere_when_its_endpoint_is_full(self):
        self.limit("random", maxConnectionsPerEndpoint=5, extra="    affinity: {timeout: 1h}\n")
        self.assertEqual(self.grab(5)["held"], 5)
        self.assertEqual(len([1 for row in self.lab.endpoints("orders.shop").values() if row["counts"]["active"]]), 1)
        self.assertEqual(self.grab(10)["held"], 5)

    def test_it_holds_for_callers_together_and_with_the_agent_dead(self):
        self.limit(maxConnections=10)
        self.lab.kill_agent()
        held = self.grab(8)["held"] + self.grab(8, pod=self.other)["held"]
        self.assertEqual(held, 10)
        self.let_go()
        wait_for(lambda: self.totals()["active"] == 0, "them to go")
        self.assertEqual(self.grab(30, processes=3)["held"], 10)

    def test_a_new_limit_counts_what_is_open_and_cuts_nothing_off(self):
        self.limit(maxConnections=100)
        self.assertEqual(self.grab(20)["held"], 20)
        self.limit(maxConnections=25)
        self.assertEqual(self.grab(20)["held"], 5)
        self.limit(maxConnections=3)
        self.assertEqual(self.grab(5)["held"], 0)
        self.assertEqual(self.totals()["active"], 25)

    def has_room_again(self, count):
        """Once all have let go, for so many; then the service goes."""
        self.let_go()
        self.settled()
        self.assertEqual(self.grab(15)["held"], count)
        self.let_go()
        self.lab.apply("services: {}\n")

    def test_one_that_got_another_row_keeps_its_count(self):
        """The service outgrows the rows that it had, twice, while connections are open."""
        for algorithm in ("round-robin", "least-connections", "consistent-hash"):
            with self.subTest(algorithm):
                self.limit(algorithm, [self.a.ip], maxConnectionsPerEndpoint=10)
                self.assertEqual(self.grab(15)["held"], 10)
                for others in (10, 40):
                    self.limit(algorithm, [self.a.ip] + [f"10.78.0.{n}" for n in range(1, others)], maxConnectionsPerEndpoint=10)
                self.limit(algorithm, [self.a.ip], maxConnectionsPerEndpoint=10)
                self.assertEqual(self.grab(15)["held"], 0)
                self.lab.kill_agent()
                self.lab.start_agent()
                self.limit(algorithm, [self.a.ip], maxConnectionsPerEndpoint=12)
                self.assertEqual(self.grab(15)["held"], 2)
                self.has_room_again(12)

    def test_one_that_comes_back_while_it_is_held_keeps_its_count(self):
        """It left, and comes back with so many others that the service outgrows its rows; or when it has done so before."""
        many = [(f"10.78.0.{n}", 0) for n in range(1, 40)]
        for at_once in (True, False):
            with self.subTest(at_once=at_once):
                self.limit(endpoints=[self.a.ip], maxConnectionsPerEndpoint=10)
                self.assertEqual(self.grab(15)["held"], 10)
                if not at_once:
                    self.limit(endpoints=[self.a.ip] + many, maxConnectionsPerEndpoint=10)
                self.limit(endpoints=many[:1] if at_once else many, maxConnectionsPerEndpoint=10)
                time.sleep(3)  # what nobody holds is free
                self.limit(endpoints=[self.a.ip] + many, maxConnectionsPerEndpoint=10)
                self.assertEqual(self.grab(15)["held"], 0)
                self.has_room_again(10)

    def test_it_is_told_of(self):
        self.limit(maxConnections=1)
        told = lambda: len(self.lab.weir("flows", "--service", "orders.shop", "--reason", "limit", "--last", "3000", "-o", "json", parse=True)["items"])  # noqa: E731
        before = told()
        self.grab(4)
        wait_for(lambda: told() == before + 3, "the flows")
        failed = self.lab.service("orders.shop")["counts"]["failedBy"]["limit"]
        self.assertGreaterEqual(failed, 3)
        wait_for(lambda: re.search(rf'weir_connection_failures_total{{[^}}]*destination_service="orders.shop"[^}}]*reason="limit"[^}}]*}} {failed}\n',
                                   self.lab.metrics()), "the metric")
        self.assertIn("maxConnections", self.lab.weir("explain", "client.shop", "orders.shop").stdout)
        config = self.lab.weir("config", "orders.shop").stdout
        self.assertRegex(config, r"limits +1 connections")
        reasons = {r["name"]: r["count"] for r in self.lab.weir("status", "-o", "json", parse=True)["reasons"]}
        self.assertGreaterEqual(reasons["limit"], 3)

    def test_over_ipv6(self):
        ends = [self.a.ip6, self.b.ip6]
        self.limit(endpoints=ends, address=VIP6, maxConnections=7)
        seen = self.grab(10, processes=4, address=VIP6)
        self.assertEqual((seen["held"], seen["errors"]), (7, {"ECONNREFUSED": 33}))
        self.exact(40, 33)
        self.let_go()
        self.limit(endpoints=ends, address=VIP6, maxConnectionsPerEndpoint=4)
        self.settled()
        self.assertEqual(self.grab(10, processes=4, address=VIP6)["held"], 8)

    def test_udp_sockets(self):
        for kind in ("connected", "unconnected"):
            with self.subTest(kind):
                self.limit(protocol="UDP", maxConnections=7)
                seen = self.grab(10, processes=4, udp=kind)
                self.assertEqual((seen["held"], seen["errors"]), (7, {"ECONNREFUSED": 33}))
                self.exact(40, 33)
                self.let_go()
                self.settled()
                self.lab.apply("services: {}\n")


class ConnectionRate(Limited):
    def test_another_rate_does_not_pay_the_debt_of_the_one_before(self):
        self.limit(connectionsPerSecond=1, connectionBurst=300)
        self.assertEqual(self.grab(310)["held"] // 10, 30)
        self.limit(connectionsPerSecond=100, connectionBurst=50)
        seen = []
        wait_for(lambda: seen.append(self.grab(60)["held"]) or sum(seen) >= 40, "as many as the new limit allows")

    def test_a_caller_connects_as_often_as_it_may(self):
        """And another caller as often again."""
        self.limit(connectionsPerSecond=20, connectionBurst=5)
        for pod in (self.client, self.other):
            seen = self.grab(0, pod=pod, per_second_for=3)
            self.assertIn(seen["held"], range(5 + 60 - 1, 5 + 60 + 2))
            self.assertEqual(list(seen["errors"]), ["ECONNREFUSED"])
        self.assertGreater(self.failed_by()["rate"], 100)

    def test_pods_of_one_workload_share_it(self):
        self.lab.apply("services:\n" + service_yaml("orders.shop", [VIP], [self.a.ip]) + "    limits: {connectionsPerSecond: 1, connectionBurst: 50}\n"
                       + f"workloads:\n  both.shop: {{cgroup: {self.lab.pattern('*')}}}\n")
        self.assertEqual(self.grab(40)["held"], 40)
        self.assertIn(self.grab(40, pod=self.other)["held"] // 2, (5, 6))

    def test_udp_sockets(self):
        for kind in ("connected", "unconnected"):
            with self.subTest(kind):
                self.limit(protocol="UDP", connectionsPerSecond=1, connectionBurst=50)
                self.assertIn(self.grab(80, udp=kind)["held"] // 2, (25, 26))
                self.let_go()
                self.lab.apply("services: {}\n")

    def test_each_service_port_has_its_own(self):
        self.lab.apply("services:\n" + "".join(
            service_yaml(name, [address], [self.a.ip]) + "    limits: {connectionsPerSecond: 1, connectionBurst: 100}\n"
            for name, address in (("orders.shop", VIP), ("other.shop", OTHER)))
            + f"workloads:\n  client.shop: {{cgroup: {self.lab.pattern('client')}}}\n")
        for address in (VIP, OTHER):
            tally = self.client.connects(address, 80, count=150)
            self.assertIn(tally["greeted"]["a"] // 10, (10, 11))

    def test_a_burst_is_exact_when_all_come_at_once(self):
        self.limit(connectionsPerSecond=1, connectionBurst=30)
        seen = self.grab(40, processes=6)
        self.assertIn(seen["held"], (30, 31, 32))
        self.exact(240, 240 - seen["held"], "rate")

    def test_after_a_while_it_may_burst_again(self):
        self.limit(connectionsPerSecond=10, connectionBurst=10)
        self.assertIn(self.grab(30)["held"], (10, 11))
        time.sleep(1.2 * SLOW)
        self.assertIn(self.grab(30)["held"], (10, 11))


if __name__ == "__main__":
    unittest.main()

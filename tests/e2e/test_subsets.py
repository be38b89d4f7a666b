#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Subsets by label: their weights hold to a connect or two, a workload keeps its subset, and one that has nobody left gives its
connects to the others. Who greets is the truth."""

import unittest

from case import SLOW, VIP, LabCase, service_yaml, wait_for

ALGORITHMS = ("random", "round-robin", "least-connections", "least-latency", "consistent-hash")


class SubsetCase(LabCase):
    SERVERS = ("a", "b", "c")
    VERSIONS = {"a": "v1", "b": "v1", "c": "v2"}
    CALLERS = ("client",)

    @classmethod
    def mesh(cls):
        for name in cls.CALLERS[1:]:
            cls.lab.pod(name)
        return "services: {}\n"

    def setUp(self):
        if self.lab.agent.poll() is not None:
            self.lab.start_agent()

    def mesh_with(self, v1, v2, algorithm="random", extra="", endpoints=()):
        ends = [(getattr(self, name).ip, 1, f"labels: {{version: {version}}}") for name, version in self.VERSIONS.items()]
        workloads = "".join(f"  {name}.shop: {{cgroup: {self.lab.pattern(name)}}}\n" for name in self.CALLERS)
        return ("services:\n" + service_yaml("orders.shop", [VIP], [*ends, *endpoints], algorithm=algorithm)
                + f"    subsets: {{v1: {{labels: {{version: v1}}, weight: {v1}}}, v2: {{labels: {{version: v2}}, weight: {v2}}}}}\n"
                + extra + "workloads:\n" + workloads)

    def split(self, v1, v2, *more, **options):
        return self.lab.apply(self.mesh_with(v1, v2, *more, **options))


class Subsets(SubsetCase):
    def test_weights_are_exact(self):
        """The bar is a point in 10,000 connects, 100 of them; turns are spread so evenly that it is a few. Two threads, and the
        agent dead for one of them."""
        for v1, v2, dead in ((90, 10, False), (50, 50, True), (999, 1, False), (1, 2, False)):
            with self.subTest(weights=(v1, v2)):
                self.split(v1, v2)
                if dead:
                    self.lab.kill_agent()
                tally = self.client.connects(VIP, 80, count=10000, threads=2)
                self.assert_clean(tally)
                self.assertAlmostEqual(tally["greeted"]["c"], 10000 * v2 / (v1 + v2), delta=10)
                self.assertAlmostEqual(tally["greeted"]["a"], tally["greeted"]["b"], delta=400)
                if dead:
                    self.lab.start_agent()
                self.assertEqual(self.shares()[2], round(v2 / (v1 + v2), 3))

    def test_with_every_algorithm(self):
        for algorithm in ALGORITHMS:
            with self.subTest(algorithm):
                self.split(3, 1, algorithm)
                greeted = self.client.connects(VIP, 80, count=1000)["greeted"]
                self.assertAlmostEqual(greeted["c"], 250, delta=5)
                if algorithm == "round-robin":
                    self.assertAlmostEqual(greeted["a"], 375, delta=10)

    def test_a_subset_of_weight_0_gets_nothing(self):
        """Not even from clients that kept an endpoint of it."""
        self.split(0, 1, extra="    affinity: {timeout: 1h}\n")
        self.assertEqual(self.client.connects(VIP, 80, count=50)["greeted"], {"c": 50})
        self.split(1, 0, extra="    affinity: {timeout: 1h}\n")
        self.assertNotIn("c", self.client.connects(VIP, 80, count=50)["greeted"])
        self.assertEqual(self.lab.endpoints("orders.shop")[self.c.ip + ":8080"]["state"], "drained")
        self.assertIn("its subset has weight 0", self.lab.weir("explain", "client.shop", "orders.shop").stdout)

    def test_a_client_with_affinity_keeps_its_subset(self):
        self.split(1, 1, extra="    affinity: {timeout: 1h}\n")
        self.assertEqual(len(self.client.connects(VIP, 80, count=50)["greeted"]), 1)

    def test_a_subset_that_fails_gives_its_share_to_the_others(self):
        extra = "    outlierDetection: {consecutiveFailures: 3, baseEjectionTime: 60s, maxEjectionPercent: 50}\n"
        self.addCleanup(lambda: setattr(type(self), "c_server", self.c.serve()))
        for algorithm in ALGORITHMS:
            with self.subTest(algorithm):
                if self.c_server.poll() is not None:
                    type(self).c_server = self.c.serve()
                self.lab.apply("services: {}\n")
                self.split(1, 1, algorithm, extra=extra)
                before = self.reason("subset_spilled")
                self.c_server.stop()
                tally = self.client.connects(VIP, 80, count=400)
                self.assertEqual(tally["errors"], {"ECONNREFUSED": 3})
                self.assertEqual(sum(tally["greeted"].values()), 397)
                self.assertAlmostEqual(self.reason("subset_spilled") - before, 197, delta=2)
                if algorithm != "least-latency":
                    self.assertEqual(self.shares(), [0.5, 0.5, 0])

    def test_nobody_is_left_out_unsaid(self):
        """An endpoint of no subset, and a subset of no endpoint."""
        text = self.mesh_with(1, 1, endpoints=[("10.99.0.1", 1, "labels: {version: v3}")])
        text = text.replace("subsets: {", "subsets: {v4: {labels: {version: v4}, weight: 5}, ")
        with open(self.lab.directory + "/bad.yaml", "w") as file:
            file.write(text)
        told = self.lab.weir("validate", self.lab.directory + "/bad.yaml", check=False)
        self.assertRegex(told.stdout + told.stderr, r"bad.yaml:9:9: warning: endpoint 10.99.0.1 of service \"orders.shop\" is in none of its subsets")
        self.assertRegex(told.stdout + told.stderr, r"warning: subset \"v4\" of service \"orders.shop\" has no endpoint: its share goes to the others")
        self.lab.apply(text)
        greeted = self.client.connects(VIP, 80, count=400)["greeted"]
        self.assertAlmostEqual(greeted["c"], 200, delta=5)
        self.assertEqual(self.lab.endpoints("orders.shop")["10.99.0.1:8080"]["state"], "no-subset")

    def test_what_is_shown(self):
        self.split(90, 10)
        told = self.lab.weir("explain", "client.shop", "orders.shop").stdout
        self.assertIn("random over 3 of 3 endpoints; subsets by turns: v1 90, v2 10", told)
        shown = self.lab.weir("config", "orders.shop").stdout
        self.assertRegex(shown, r"subset v2 +weight 10, version=v2 +\S+mesh.yaml:")
        with open(self.lab.directory + "/mesh.yaml", "w") as file:
            file.write(self.mesh_with(80, 20))
        self.assertIn("~ subset orders.shop v2: weight 10 -> 20", self.lab.weir("diff", self.lab.directory + "/mesh.yaml").stdout)


class SubsetsByWorkload(SubsetCase):
    CALLERS = ("client", *(f"caller{n}" for n in range(11)))
    BY = "random, subsetBy: workload"

    def versions(self):
        """Which subset each workload is in; in one only."""
        found = {}
        for name in self.CALLERS:
            greeted = self.lab.pods[name].connects(VIP, 80, count=30)["greeted"]
            found[name] = {self.VERSIONS[server] for server in greeted}
            self.assertEqual(len(found[name]), 1, name)
            told = self.lab.weir("explain", name + ".shop", "orders.shop").stdout
            self.assertIn("the caller is in subset " + next(iter(found[name])), told)
        return {name: next(iter(versions)) for name, versions in found.items()}

    def test_a_workload_keeps_its_subset(self):
        self.split(1, 1, self.BY)
        first = self.versions()
        self.assertEqual(set(first.values()), {"v1", "v2"})
        self.lab.kill_agent()
        self.lab.start_agent()
        self.assertEqual(self.versions(), first)
        # A weight that grows takes workloads from the others, and moves no other.
        self.split(1, 3, self.BY)
        second = self.versions()
        moved = {name: (first[name], second[name]) for name in first if first[name] != second[name]}
        self.assertTrue(moved)
        self.assertEqual(set(moved.values()), {("v1", "v2")})
        self.split(1, 1, self.BY)
        self.assertEqual(self.versions(), first)

    def test_who_is_no_workload_is_one_all_together(self):
        text = self.mesh_with(1, 1, self.BY)
        self.lab.apply(text[:text.index("workloads:")])
        seen = {self.VERSIONS[s] for name in self.CALLERS for s in self.lab.pods[name].connects(VIP, 80, count=20)["greeted"]}
        self.assertEqual(len(seen), 1)
        self.assertIn("the caller is in subset " + seen.pop(), self.lab.weir("explain", "unknown", "orders.shop").stdout)


if __name__ == "__main__":
    unittest.main()

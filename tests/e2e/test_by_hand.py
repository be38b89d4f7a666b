#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Endpoints that an operator ejects and restores, and outlier detection switched off: by stores into the kernel, which
ends them by itself. The client's own tally is the truth."""

import json
import re
import time
import unittest

from case import BIN, ROOT, SLOW, VIP, LabCase, service_yaml, wait_for

UDP = ROOT + "/tests/tools/udp.py"
ALGORITHMS = ("random", "round-robin", "least-connections", "least-latency", "consistent-hash")


class ByHand(LabCase):
    SERVERS = ("a", "b", "c")

    def mesh_with(self, endpoints=None, algorithm="round-robin", detect=False, extra=""):
        detection = "    outlierDetection: {consecutiveFailures: 3, baseEjectionTime: 1s, maxEjectionPercent: 50}\n" if detect else ""
        self.lab.apply("services:\n" + service_yaml("orders.shop", [VIP], endpoints or [self.a.ip, self.b.ip], algorithm=algorithm)
                       + detection + extra + f"workloads:\n  client.shop: {{cgroup: {self.lab.pattern('client')}}}\n")

    def setUp(self):
        if self.lab.agent is None:
            self.lab.start_agent()
        self.mesh_with()
        self.lab.weir("restore", "orders.shop")
        self.lab.weir("on", "outlier-detection")

    def eject(self, pod, length="10m"):
        return self.lab.weir("eject", "orders.shop", pod.ip + ":8080", "--for", length).stdout

    def greeted(self, count=40):
        tally = self.client.connects(VIP, 80, count=count)
        self.assertEqual(tally["errors"], {})
        return tally["greeted"]

    def endpoint(self, pod):
        return self.lab.endpoints("orders.shop")[pod.ip + ":8080"]

    def ejections(self):
        reasons = self.lab.weir("status", "-o", "json", parse=True)["reasons"]
        return next(r["count"] for r in reasons if r["name"] == "endpoint_ejected")

    def said(self, action):
        return self.lab.agent_log().count(f'"event.action":"{action}"')

    def test_it_gets_no_connections_until_it_is_restored(self):
        for algorithm in ALGORITHMS:
            for detect in (False, True):
                with self.subTest(algorithm, detect=detect):
                    self.mesh_with(algorithm=algorithm, detect=detect)
                    told = self.eject(self.b)
                    self.assertIn(f"weir restore orders.shop {self.b.ip}:8080", told)
                    self.assertEqual(self.greeted(60), {"a": 60})
                    shown = self.endpoint(self.b)
                    self.assertEqual((shown["state"], shown["reason"], shown["share"]), ("ejected", "by hand", 0))
                    self.assertAlmostEqual(shown["untilSeconds"], 600, delta=20 * SLOW)
                    self.assertIn(f"{self.b.ip}:8080 of orders.shop gets connections again",
                                  self.lab.weir("restore", "orders.shop", self.b.ip).stdout)
                    if algorithm == "consistent-hash":
                        self.eject(self.a)
                        self.assertEqual(self.greeted(20), {"b": 20})
                        self.lab.weir("restore", "orders.shop")
                    elif algorithm != "least-latency":
                        self.assertGreater(self.greeted(100)["b"], 20)
                    self.assertEqual(self.endpoint(self.b)["state"], "serving")

    def test_open_connections_stay(self):
        hold = self.client.start(BIN + "/weir-peer", "hold", VIP, 80, "--interval", "50", "--count", "20")
        hold.first_line("holding")
        self.eject(self.b)
        time.sleep(SLOW)
        tally = json.loads(hold.stop().splitlines()[-1])
        self.assertEqual((tally["errors"], tally["echoes"] > 100), (0, True))

    def test_it_stays_out_when_the_others_are_out_too(self):
        """Where all are out all are used, but who is out by hand: only where there is nobody else."""
        for algorithm in ("round-robin", "least-connections", "least-latency", "consistent-hash"):
            with self.subTest(algorithm):
                self.lab.apply("services:\n" + service_yaml("orders.shop", [VIP], [self.a.ip, self.b.ip], algorithm=algorithm)
                               + "    outlierDetection: {consecutiveFailures: 3, baseEjectionTime: 1s, maxEjectionPercent: 100}\n"
                               + f"workloads:\n  client.shop: {{cgroup: {self.lab.pattern('client')}}}\n")
                self.eject(self.b)
                self.a_server.stop()
                try:
                    self.assertEqual(self.client.connects(VIP, 80, count=43)["errors"], {"ECONNREFUSED": 43})
                    shown = [self.endpoint(pod) for pod in (self.a, self.b)]
                    self.assertEqual([one["share"] for one in shown], [1, 0])
                    self.assertEqual(shown[1]["reason"], "by hand")
                finally:
                    type(self).a_server = self.a.serve()
                self.lab.weir("restore", "orders.shop", self.a.ip)
                self.assertEqual(self.greeted(), {"a": 40})
                self.lab.weir("restore", "orders.shop", self.b.ip)
                self.lab.apply("services: {}\n")

    def test_it_ends_by_itself_with_the_agent_dead(self):
        for detect in (False, True):
            with self.subTest(detect=detect):
                self.mesh_with(detect=detect)
                self.lab.kill_agent()
                self.eject(self.b, f"{int(3 * SLOW)}s")
                self.assertEqual(self.greeted(), {"a": 40})
                wait_for(lambda: "b" in self.greeted(10), "it to come back", 20 * SLOW)
                self.assertEqual(self.greeted(), {"a": 20, "b": 20})
                self.lab.start_agent()
                self.assertEqual(self.endpoint(self.b)["state"], "serving")

    def test_it_is_said(self):
        before = self.said("endpoint-ejected-by-hand"), self.said("endpoint-not-ejected-by-hand")
        self.eject(self.b)
        wait_for(lambda: self.said("endpoint-ejected-by-hand") == before[0] + 1, "the agent to say so")
        status = self.lab.weir("status").stdout
        self.assertIn(f"endpoint {self.b.ip}:8080 of orders.shop for ", status)
        self.assertIn(f"`weir restore orders.shop {self.b.ip}:8080` ends it", status)
        self.assertRegex(self.lab.metrics(), r'weir_endpoint_ejected_by_hand_seconds\{destination_service="orders.shop",'
                         r'destination_endpoint="' + re.escape(self.b.ip) + r':8080"\} (5[0-9]{2}|600)')
        self.assertIn("by hand", self.lab.weir("explain", "client.shop", "orders.shop").stdout)
        self.lab.weir("restore", "orders.shop", self.b.ip)
        wait_for(lambda: self.said("endpoint-not-ejected-by-hand") == before[1] + 1, "the agent to say so")
        self.assertEqual(self.lab.weir("status", "-o", "json", parse=True)["switches"], [])

    def test_it_is_said_of_one_that_was_not_out_by_hand(self):
        self.mesh_with(detect=True)
        for alive in (True, False):
            self.refuse()
            before = self.said("endpoint-restored-by-hand"), self.said("endpoint-not-ejected-by-hand")
            self.client.connects(VIP, 80, count=20)
            self.assertIn(self.endpoint(self.b)["state"], ("ejected", "half-open"))
            if not alive:
                self.lab.kill_agent()
            self.serve()
            self.lab.weir("restore", "orders.shop", self.b.ip)
            self.assertEqual(self.greeted(), {"a": 20, "b": 20})
            if not alive:
                self.lab.start_agent()
            wait_for(lambda: self.said("endpoint-restored-by-hand") == before[0] + 1, "the agent to say so")
            time.sleep(2)
            self.assertEqual((self.said("endpoint-restored-by-hand"), self.said("endpoint-not-ejected-by-hand")), (before[0] + 1, before[1]))

    def test_it_begins_small_again(self):
        self.mesh_with(algorithm=f"random, slowStart: {10 * SLOW:.0f}s")
        self.eject(self.b)
        time.sleep(11 * SLOW)
        self.lab.weir("restore", "orders.shop", self.b.ip)
        self.assertIn(self.greeted(400).get("b", 0), range(2, 80))
        shown = self.endpoint(self.b)
        self.assertRegex(shown["reason"], r"slow start: \d+ % of its share")
        self.assertLess(shown["share"], 0.2)
        self.assertGreater(self.endpoint(self.a)["share"], 0.8)
        self.assertIn("slow start", self.lab.weir("explain", "client.shop", "orders.shop").stdout)

    def test_one_of_weight_0_stays_out_over_a_restart(self):
        self.eject(self.b)
        self.mesh_with([self.a.ip, (self.b.ip, 0)])
        self.lab.kill_agent()
        self.lab.write_mesh("services:\n" + service_yaml("orders.shop", [VIP], [self.a.ip, self.b.ip], algorithm="round-robin")
                            + f"workloads:\n  client.shop: {{cgroup: {self.lab.pattern('client')}}}\n")
        self.lab.start_agent()
        self.assertEqual(self.greeted(), {"a": 40})
        self.assertEqual(self.endpoint(self.b)["reason"], "by hand")

    def test_what_is_wrong_is_said(self):
        def refused(*words):
            done = self.lab.weir(*words, check=False)
            return done.returncode, done.stderr
        self.assertIn("no service \"nobody.shop\"", refused("eject", "nobody.shop", self.b.ip)[1])
        self.assertIn("no endpoint \"10.9.9.9\" of orders.shop", refused("eject", "orders.shop", "10.9.9.9")[1])
        self.assertEqual(refused("eject", "orders.shop", self.b.ip, "--for", "0s")[0], 2)
        self.assertEqual(refused("off", "outlier-detection", "orders.shop")[0], 2)
        self.eject(self.b)
        code, why = refused("eject", "orders.shop", self.a.ip)
        self.assertEqual(code, 1)
        self.assertIn("is the last of its service that is in", why)
        self.assertEqual(self.greeted(), {"a": 40})

    def test_a_service_that_outgrows_its_rows(self):
        self.eject(self.b)
        many = [self.a.ip, self.b.ip] + [f"10.99.0.{i}" for i in range(2, 40)]
        self.lab.apply(self.mesh_of(many))
        self.mesh_with()
        self.assertEqual(self.endpoint(self.b)["reason"], "by hand")
        self.assertEqual(self.greeted(), {"a": 40})
        self.lab.weir("restore", "orders.shop", self.b.ip)
        self.assertEqual(self.greeted(), {"a": 20, "b": 20})

    def test_one_that_leaves_and_comes_back_is_new(self):
        self.eject(self.b)
        self.mesh_with([self.a.ip])
        self.settled()
        time.sleep(2.5 * SLOW)  # its row becomes free
        self.mesh_with()
        self.assertEqual(self.greeted(), {"a": 20, "b": 20})

    def test_udp(self):
        for pod in (self.a, self.b):
            server = pod.start("python3", UDP, "serve", pod.name, "::", 5353)
            self.addCleanup(server.stop)
            server.first_line("ready")
        self.mesh_with(extra=service_yaml("dns.shop", [VIP], [self.a.ip, self.b.ip], 53, 5353, protocol="UDP")
                       + "    outlierDetection: {}\n")
        self.lab.weir("eject", "dns.shop", self.b.ip, "--for", f"{int(3 * SLOW)}s")
        [tally] = json.loads(self.client.run("python3", UDP, "talk", json.dumps([["fresh", VIP, 53, 30, 0]])))
        self.assertEqual(tally, {"wrong": 0, "errors": {}, "a": 30})
        time.sleep(4 * SLOW)
        [tally] = json.loads(self.client.run("python3", UDP, "talk", json.dumps([["fresh", VIP, 53, 60, 0]])))
        self.assertGreater(tally.get("b", 0), 10)

    def test_detection_is_switched_off_and_on(self):
        self.mesh_with(detect=True)
        self.b_server.stop()
        self.addCleanup(self.serve_b)
        self.client.connects(VIP, 80, count=50)
        self.assertIn(self.endpoint(self.b)["state"], ("ejected", "half-open"))
        self.lab.weir("off", "outlier-detection", "--for", "10m")
        self.assertIn("outlier detection of this node", self.lab.weir("status").stdout)
        self.assertRegex(self.lab.metrics(), r"\nweir_outlier_detection_off_seconds (5[0-9]{2}|600)")
        # Who was out gets connections again, and nobody is ejected for failing.
        before = self.ejections()
        self.assertEqual(self.client.connects(VIP, 80, count=40)["errors"], {"ECONNREFUSED": 20})
        self.assertEqual(self.ejections(), before)
        self.assertEqual(self.endpoint(self.b)["state"], "serving")
        self.lab.weir("on", "outlier-detection")
        self.assertLess(self.client.connects(VIP, 80, count=40)["errors"].get("ECONNREFUSED", 0), 8)
        self.assertIn(self.endpoint(self.b)["state"], ("ejected", "half-open"))

    def test_detection_that_is_off_ends_by_itself(self):
        self.mesh_with(detect=True)
        self.b_server.stop()
        self.addCleanup(self.serve_b)
        self.lab.weir("off", "outlier-detection", "--for", f"{int(3 * SLOW)}s")
        self.lab.kill_agent()
        self.assertEqual(self.client.connects(VIP, 80, count=20)["errors"], {"ECONNREFUSED": 10})
        time.sleep(4 * SLOW)
        self.assertLess(self.client.connects(VIP, 80, count=40)["errors"]["ECONNREFUSED"], 8)

    def serve_b(self):
        type(self).b_server = self.b.serve()


if __name__ == "__main__":
    unittest.main()

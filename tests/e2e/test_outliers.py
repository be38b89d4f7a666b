#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Outlier detection: endpoints whose connects fail are left out, tried one connect at a time, and come back. By the
kernel alone: the client's own errors are the truth that counts are held against."""

import datetime
import json
import re
import sys
import time
import unittest

from case import SLOW, VIP, Background, LabCase, run, service_yaml, wait_for

ALGORITHMS = ("random", "round-robin", "least-connections", "consistent-hash")
# Accepts, and resets before it says a byte.
RESETTER = """
import socket, struct, sys
server = socket.socket(socket.AF_INET6)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("::", 8080)); server.listen(1000)
print("ready", flush=True)
while True:
    one, _ = server.accept()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()
"""


# Connects so often, one after another, and waits so long for each.
IMPATIENT = """
import socket, sys
for _ in range(int(sys.argv[3])):
    with socket.socket() as s:
        s.settimeout(float(sys.argv[2]))
        try:
            s.connect((sys.argv[1], 80))
            print("connected")
        except TimeoutError:
            print("timeout")
"""


class Detecting(LabCase):
    """A service with outlier detection, of each test's own."""

    def detect(self, algorithm="round-robin", endpoints=None, extra="", **settings):
        """A service that only this test has, with these settings."""
        given = {"consecutiveFailures": 3, "baseEjectionTime": f"{int(2000 * SLOW)}ms", "maxEjectionPercent": 50} | settings
        flow = ", ".join(f"{name}: {value}" for name, value in given.items())
        self.lab.apply("services:\n" + service_yaml("orders.shop", [VIP], endpoints or [self.a.ip, self.b.ip], algorithm=algorithm)
                       + f"    outlierDetection: {{{flow}}}\n" + extra
                       + f"workloads:\n  client.shop: {{cgroup: {self.lab.pattern('client')}}}\n")

    def setUp(self):
        if self.lab.agent.poll() is not None:
            self.lab.start_agent()
        self.lab.apply("services: {}\n")  # nobody is out at the start
        wait_for(lambda: self.sums()["ejected"] == 0, "nobody to be out")
        self.start = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    def connects(self, count):
        return self.client.connects(VIP, 80, count=count)

    def sums(self):
        status = self.lab.weir("status", "-o", "json", parse=True)
        reasons = {reason["name"]: reason["count"] for reason in status["reasons"]}
        return {"ejected": status["ejectedEndpoints"], "ejections": reasons["endpoint_ejected"], "restores": reasons["endpoint_restored"],
                "halfOpenTries": reasons["half_open_try"], "panics": reasons["outlier_panic"]}


class Outliers(Detecting):
    SERVERS = ("a", "b", "c")

    def left_out(self, tally, count, before, failures=3):
        """All went to `a`, but what ejected `b`, and what tried it since."""
        after = self.sums()
        tries = after["halfOpenTries"] - before["halfOpenTries"]
        self.assertEqual(tally["errors"], {"ECONNREFUSED": failures + tries})
        self.assertEqual(tally["greeted"], {"a": count - failures - tries})
        self.assertEqual(after["ejections"] - before["ejections"], 1 + tries)

    def test_an_endpoint_that_refuses_is_left_out_and_comes_back(self):
        for algorithm in ALGORITHMS[:3]:
            with self.subTest(algorithm):
                self.detect(algorithm)
                before = self.sums()
                self.assertEqual(self.connects(40)["errors"], {})
                self.refuse()
                self.left_out(self.connects(500), 500, before)
                shown = self.endpoint(self.b)
                self.assertIn(shown["state"], ("ejected", "half-open"))
                self.assertEqual((shown["share"], self.endpoint(self.a)["share"], shown["reason"][1:]), (0, 1, " connects failed"))
                told = self.lab.weir("explain", "client.shop", "orders.shop").stdout
                self.assertIn("1 of 2 endpoints", told)
                self.assertRegex(told, self.b.ip + r":8080 .*(ejected|half-open): [0-9]+ connects failed")
                self.assertIn("connects failed; out for", self.lab.weir("endpoints", "orders.shop").stdout)
                self.serve()
                wait_for(lambda: self.connects(20) and self.endpoint(self.b)["state"] == "serving", "it to come back", 20 * SLOW)
                tally = self.connects(200)
                self.assertEqual(tally["errors"], {})
                self.assertGreater(tally["greeted"]["b"], 60)
                self.assertEqual(self.sums()["restores"] - before["restores"], 1)
                self.lab.apply("services: {}\n")

    def test_a_client_that_is_hashed_to_it_moves_alone(self):
        """To one of the others, as if the one that is out were not there."""
        self.detect("consistent-hash", [self.a.ip, self.b.ip, self.c.ip])
        [name] = self.connects(50)["greeted"]
        others = [getattr(self, other).ip for other in self.SERVERS if other != name]
        self.detect("consistent-hash", others)
        [next_best] = self.connects(50)["greeted"]
        self.detect("consistent-hash", [self.a.ip, self.b.ip, self.c.ip])
        self.refuse(name)
        tally = self.connects(200)
        self.assertEqual(list(tally["greeted"]), [next_best])
        self.assertLessEqual(sum(tally["errors"].values()), 3 + 2)

    def test_a_client_with_affinity_leaves_it(self):
        self.detect("random", extra="    affinity: {timeout: 1h}\n")
        [name] = self.connects(50)["greeted"]
        self.refuse(name)
        tally = self.connects(200)
        self.assertEqual(list(tally["greeted"]), ["b" if name == "a" else "a"])
        self.assertLessEqual(sum(tally["errors"].values()), 3 + 2)

    def test_an_endpoint_that_resets_before_a_byte(self):
        """A handshake alone does not bring it back."""
        self.detect(baseEjectionTime=f"{int(200 * SLOW)}ms")
        self.refuse()
        resetter = self.b.start(sys.executable, "-c", RESETTER)
        self.addCleanup(resetter.stop)
        resetter.first_line("ready")
        before, failed, end = self.sums(), 0, time.monotonic() + 3 * SLOW
        while time.monotonic() < end:
            failed += sum(self.connects(20)["errors"].values())
        after = self.sums()
        self.assertGreater(after["halfOpenTries"], before["halfOpenTries"] + 1)
        self.assertEqual(failed, 3 + after["halfOpenTries"] - before["halfOpenTries"])
        self.assertEqual(after["restores"], before["restores"])
        self.assertIn("reset before a byte", self.endpoint(self.b)["reason"])

    def test_it_works_with_the_agent_dead(self):
        self.detect()
        before = self.sums()
        self.lab.kill_agent()
        self.refuse()
        self.left_out(self.connects(500), 500, before)
        self.serve()
        wait_for(lambda: self.connects(20) and self.endpoint(self.b)["state"] == "serving", "it to come back", 20 * SLOW)
        self.assertEqual(self.connects(100)["greeted"], {"a": 50, "b": 50})
        self.lab.start_agent()

    def test_no_more_are_out_than_may_be(self):
        self.detect()
        self.refuse("a")
        self.refuse("b")
        self.connects(100)
        self.assertEqual(self.sums()["ejected"], 1)

    def test_all_are_used_where_all_are_out(self):
        self.detect(endpoints=[self.a.ip, self.b.ip, self.c.ip])
        self.lab.apply("services: {}\n")  # c's row is where the next service's may be
        time.sleep(3 * SLOW)
        self.detect(maxEjectionPercent=100, baseEjectionTime="5m")
        before = self.sums()["panics"]
        self.refuse("a")
        self.refuse("b")
        tally = self.connects(100)
        self.assertEqual(tally["errors"], {"ECONNREFUSED": 100})
        self.assertGreater(self.sums()["panics"] - before, 80)
        self.serve("a")
        self.serve("b")
        tally = self.connects(20)  # the first one brings back whom it finds
        self.assertEqual((tally["errors"], list(tally["greeted"].values())), ({}, [20]))
        self.assertEqual(self.sums()["ejected"], 1)

    def test_each_time_lasts_longer(self):
        self.detect(baseEjectionTime=f"{int(500 * SLOW)}ms")
        self.refuse()
        before, end = self.sums()["halfOpenTries"], time.monotonic() + 6 * SLOW
        while time.monotonic() < end:
            self.connects(20)
        # After 0.5, 1, 1.5 and 2 s, each up to an eighth more.
        self.assertIn(self.sums()["halfOpenTries"] - before, (3, 4))

    def test_one_that_leaves_and_comes_back_is_new(self):
        """In another row, or in the one that it had had."""
        self.detect(baseEjectionTime="5m")
        self.refuse()
        for _ in range(3):
            self.connects(20)
            self.assertEqual(self.endpoint(self.b)["state"], "ejected")
            self.detect(endpoints=[self.a.ip], baseEjectionTime="5m")
            self.settled()
            time.sleep(2.5 * SLOW)  # its row becomes free
            self.serve()
            self.detect(baseEjectionTime="5m")
            self.assertEqual(self.connects(10)["greeted"], {"a": 5, "b": 5})
            self.refuse()

    def test_nobody_is_out_where_it_is_not_asked_for(self):
        self.lab.apply(self.mesh_of([self.a.ip, self.b.ip]))
        self.refuse()
        self.assertEqual(self.connects(100)["errors"], {"ECONNREFUSED": 50})
        self.assertEqual(self.sums()["ejected"], 0)

    def silence(self, *pods):
        """What is sent to them is dropped on the way, without a word."""
        run("ip", "netns", "exec", self.lab.node, "nft", "delete table inet silent", check=False)
        rules = "".join(f"add rule inet silent f ip daddr {pod.ip} drop; " for pod in pods)
        run("ip", "netns", "exec", self.lab.node, "nft", "add table inet silent; add chain inet silent f { type filter hook forward priority 0; }; " + rules)
        self.addCleanup(run, "ip", "netns", "exec", self.lab.node, "nft", "delete table inet silent", check=False)

    def test_a_silent_endpoint_is_left_out(self):
        self.detect(extra="    timeouts: {connect: 100ms}\n")
        before = self.sums()
        self.silence(self.b)
        tally = self.connects(100)
        tries = self.sums()["halfOpenTries"] - before["halfOpenTries"]
        self.assertEqual(tally["errors"], {"ETIMEDOUT": 3 + tries})
        self.assertEqual(self.endpoint(self.b)["state"] in ("ejected", "half-open"), True)

    def test_callers_that_gave_up_after_a_syn_was_sent_again(self):
        self.detect(extra="    timeouts: {connect: 3s}\n")
        self.silence(self.b)
        seen = self.client.run(sys.executable, "-c", IMPATIENT, VIP, 1.2 * SLOW, 12).split()
        self.assertEqual(seen.count("timeout"), 3)
        self.assertIn(self.endpoint(self.b)["state"], ("ejected", "half-open"))
        before = self.sums()["ejections"]
        self.detect(endpoints=[self.a.ip, self.c.ip], extra="    timeouts: {connect: 3s}\n")
        self.silence(self.c)
        seen = self.client.run(sys.executable, "-c", IMPATIENT, VIP, 0.05 * SLOW, 16).split()
        self.assertEqual(seen.count("timeout"), 8)  # mere impatience counts for nobody
        self.assertEqual(self.sums()["ejections"], before)

    def test_a_node_whose_own_network_fails_ejects_nobody(self):
        self.detect("random", [self.a.ip, self.b.ip, self.c.ip], extra="    timeouts: {connect: 50ms}\n", consecutiveFailures=2)
        self.assertEqual(self.connects(20)["errors"], {})
        before = self.sums()
        self.silence(self.a, self.b, self.c)
        self.assertEqual(self.connects(40)["errors"], {"ETIMEDOUT": 40})
        after = self.sums()
        self.assertEqual((after["ejected"], after["ejections"]), (0, before["ejections"]))

    def test_a_client_alone_with_a_silent_endpoint(self):
        """Nobody else calls its service; but others on this node are answered."""
        with_other = lambda pod: self.detect("consistent-hash", [self.a.ip, self.b.ip, self.c.ip], extra=(  # noqa: E731
            "    timeouts: {connect: 100ms}\n" + service_yaml("other.shop", ["10.96.0.88"], [pod.ip])))
        with_other(self.a)
        [name] = self.connects(5)["greeted"]
        if name == "a":
            with_other(self.b)
        self.silence(getattr(self, name))
        with Background(self.client, "10.96.0.88"):
            tally = self.connects(30)
        self.assertGreater(sum(tally["greeted"].values()), 20)

    def health_events(self):
        flows = self.lab.weir("flows", "--last", "3000", "-o", "json", parse=True)["items"]
        return [f for f in flows if f["verdict"] in ("ejected", "half-open", "restored", "panic") and f["time"] >= self.start]

    def test_each_change_is_an_event_and_a_line(self):
        self.detect()
        before, said = self.sums(), self.lab.agent_log()
        self.refuse()
        self.connects(200)
        self.serve()
        wait_for(lambda: self.connects(20) and self.endpoint(self.b)["state"] == "serving", "it to come back", 20 * SLOW)
        after = self.sums()
        grown = {name: after[name] - before[name] for name in ("ejections", "halfOpenTries", "restores")}
        wait_for(lambda: len(self.health_events()) == sum(grown.values()), "the events to be read")
        events = self.health_events()
        count = lambda verdict: sum(e["verdict"] == verdict for e in events)  # noqa: E731
        self.assertEqual((count("ejected"), count("half-open"), count("restored"), count("panic")), (*grown.values(), 0))
        self.assertEqual({(e["service"], e["endpoint"], e["workload"]) for e in events}, {("orders.shop", self.b.ip + ":8080", "client.shop")})
        self.assertEqual({e["reason"] for e in events if e["verdict"] == "ejected"}, {"refused"})
        lines = [json.loads(line) for line in self.lab.agent_log()[len(said):].splitlines()]
        told = [line["event.action"] for line in lines if line["event.action"].startswith("endpoint-")]
        self.assertEqual(told, ["endpoint-ejected"] * grown["ejections"] + ["endpoint-restored"] * grown["restores"])
        self.assertIn(f"{self.b.ip}:8080 of orders.shop:80 is left out: refused", lines[[line["event.action"] for line in lines].index("endpoint-ejected")]["message"])
        shown = self.lab.weir("flows", "--verdict", "ejected").stdout
        self.assertRegex(shown, r"ejected +client.shop +orders.shop:80 +" + self.b.ip + ":8080 +refused")

    def test_panic_is_told_of_once_a_second(self):
        self.detect(maxEjectionPercent=100, baseEjectionTime="5m")
        said = self.lab.agent_log().count("service-in-panic")
        self.refuse("a")
        self.refuse("b")
        told = lambda: self.lab.agent_log().count("service-in-panic") - said  # noqa: E731
        before, begun = self.sums()["panics"], time.monotonic()
        wait_for(lambda: (self.connects(20), told() >= 3)[1], "the agent to say so")
        self.assertLessEqual(told(), time.monotonic() - begun + 1)
        self.assertGreater(self.sums()["panics"] - before, 50)

    def test_top_shows_how_many_are_out(self):
        self.detect()
        self.refuse()
        self.connects(50)
        top = self.lab.weir("top", "--once", "--window", "1s").stdout
        self.assertRegex(top, r"EJECTED\n")
        self.assertRegex(top, r"orders.shop:80 .* 1\n")
        by_endpoint = self.lab.weir("top", "--once", "--window", "1s", "--by", "endpoint", "-o", "json", parse=True)["items"]
        self.assertEqual([i["name"] for i in by_endpoint if i["ejectedEndpoints"]], [f"orders.shop:80 {self.b.ip}:8080"])

    def test_metrics(self):
        self.detect()
        before = self.sums()["ejections"]
        self.refuse()
        self.connects(50)
        wait_for(lambda: "weir_outlier_ejected_endpoints 1" in self.lab.metrics(), "it to be told of")
        self.assertIn(f'weir_kernel_events_total{{reason="endpoint_ejected"}} {before + 1}', self.lab.metrics())
        of = lambda name: re.findall(rf'^{name}{{destination_service="orders.shop",.*destination_port="80".*}} (\d+)', self.lab.metrics(), re.M)  # noqa: E731
        self.assertEqual([of("weir_service_" + name) for name in ("ejections_total", "ejected_endpoints", "in_panic")], [["1"], ["1"], ["0"]])
        self.detect(minHealthPercent=60)
        wait_for(lambda: self.connects(4) and of("weir_service_in_panic") == ["1"], "the panic to be told of")
        self.serve()
        ejections = self.sums()["ejections"]
        self.lab.apply("services: {}\n")
        self.assertEqual(self.sums()["ejections"], ejections)  # sums never fall


if __name__ == "__main__":
    unittest.main()

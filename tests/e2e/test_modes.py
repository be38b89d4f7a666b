# SPDX-License-Identifier: Apache-2.0
"""Observing instead of steering, and switching off: by service, by workload, by hand, with the agent dead."""

import json
import time
import unittest

from case import ROOT, VIP, LabCase, service_yaml, wait_for

UDP = ROOT + "/tests/tools/udp.py"


class Modes(LabCase):
    """`real` is a server that has the service's address for itself: who is not steered reaches it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.real = cls.lab.pod("real")
        cls.real.run("ip", "addr", "add", VIP + "/32", "dev", "lo")
        cls.lab.in_netns(cls.lab.node, lambda: cls.lab.node_route(VIP + "/32", cls.real))
        cls.real.serve(80)
        for pod, port in ((cls.real, 53), (cls.a, 5353)):
            pod.start("python3", UDP, "serve", pod.name, VIP if pod is cls.real else "::", port).first_line("ready")

    @classmethod
    def mesh_with(cls, mode="steer", workload="steer"):
        udp = service_yaml("dns.shop", [VIP], [cls.a.ip], 53, 5353, protocol="UDP")
        text = cls.mesh_of([cls.a.ip], extra=udp).replace("    balance:", f"    mode: {mode}\n    balance:")
        return text.replace(cls.lab.pattern("client") + "}", cls.lab.pattern("client") + f", mode: {workload}}}")

    def setUp(self):
        self.lab.apply(self.mesh_with())
        self.settled()

    def tearDown(self):
        self.lab.weir("on")
        self.lab.weir("on", "orders.shop", "dns.shop")

    def assert_reaches(self, name):
        self.assertEqual(self.client.connects(VIP, 80, count=20)["greeted"], {name: 20})
        [tally] = json.loads(self.client.run("python3", UDP, "talk", json.dumps([["fresh", VIP, 53, 5, 0]])))
        self.assertEqual(tally, {"wrong": 0, "errors": {}, name: 5})

    def counts(self, service="orders.shop"):
        wait_for(lambda: self.totals(service)["active"] == 0, "active to become 0")
        return {e: row["counts"]["opened"] for e, row in self.lab.endpoints(service).items()}

    def said(self, action):
        """How often the agent has logged it, in all tests so far."""
        return self.lab.agent_log().count(f'"event.action":"{action}"')

    def test_observed_services_are_counted_and_left_alone(self):
        for text in (self.mesh_with("observe"), self.mesh_with("steer", "observe")):
            self.lab.apply(text)
            before = self.counts(), self.counts("dns.shop")
            ends = self.totals()
            self.assert_reaches("real")
            after = self.counts(), self.counts("dns.shop")
            self.assertEqual(after[0][self.a.ip + ":8080"] - before[0][self.a.ip + ":8080"], 20)
            self.assertEqual(after[1][self.a.ip + ":5353"] - before[1][self.a.ip + ":5353"], 5)
            self.assertEqual(self.totals()["closed"] - ends["closed"], 20, "their ends are counted as well")
            seen = self.client.probe(VIP, 80)
            self.assertEqual(seen["peer"], VIP + ":80")
        self.lab.apply(self.mesh_with("observe"))
        self.assertRegex(self.lab.weir("services").stdout, r"orders.shop .* observed")

    def test_an_observed_service_without_endpoints_refuses_nobody(self):
        self.lab.apply(self.mesh_with("observe").replace(self.a.ip, "fd77::99"))
        self.assert_reaches("real")
        self.assertGreater(self.totals()["failed"], 0)

    def test_off_services_are_left_alone_and_not_counted(self):
        for text in (self.mesh_with("off"), self.mesh_with("steer", "off")):
            self.lab.apply(text)
            before = self.counts()
            self.assert_reaches("real")
            self.assertEqual(self.counts(), before)
        self.assertRegex(self.lab.weir("status").stdout, r"\d+ connects and datagrams left alone: switched off")

    def test_off_by_hand_with_the_agent_dead(self):
        self.lab.kill_agent()
        before = self.said("switched-off")
        self.assert_reaches("a")
        said = self.lab.weir("off", "orders.shop", "dns.shop", "--for", "1h").stdout
        self.assertIn("off for orders.shop, dns.shop for 1h", said)
        self.assert_reaches("real")
        self.assertRegex(self.lab.weir("services").stdout, r"orders.shop .* off ")
        self.assertRegex(self.lab.weir("status").stdout, r"OFF +orders.shop for 59m\d+s more")
        self.lab.start_agent()
        self.assert_reaches("real")
        wait_for(lambda: self.said("switched-off") > before, "the agent to say so")
        self.assertIn('weir_switched_off_seconds{destination_service="orders.shop"}', self.lab.metrics())
        self.assertIn("‼ nothing is switched off", self.lab.weir("check").stdout)
        self.lab.weir("on", "orders.shop", "dns.shop")
        self.assert_reaches("a")

    def test_off_ends_by_itself_with_the_agent_dead(self):
        self.lab.kill_agent()
        self.lab.weir("off", "--for", "1s")
        began = time.monotonic()
        self.assertEqual(self.client.connects(VIP, 80, count=5)["greeted"], {"real": 5})
        wait_for(lambda: self.client.connects(VIP, 80)["greeted"] == {"a": 1}, "weir to steer again", 5)
        self.assertGreater(time.monotonic() - began, 0.8)
        self.lab.start_agent()
        wait_for(lambda: "OFF" not in self.lab.weir("status").stdout, "the old switch to go", 5)
        said = self.said("switched-on")
        self.lab.weir("off", "--for", "1s")
        wait_for(lambda: self.said("switched-on") > said, "the agent to say that it ended", 5)
        self.assertNotIn("OFF", self.lab.weir("status").stdout)

    def test_a_flow_in_use_is_switched_off_too(self):
        process = self.client.start("python3", UDP, "talk", json.dumps(
            [["socket", "s"], ["ask", "s", VIP, 53], ["print", "", "asked"], ["wait", ""], ["ask", "s", VIP, 53],
             ["print", "", "asked"], ["wait", ""], ["ask", "s", VIP, 53]]), stdin=-1)
        process.first_line("asked")
        self.lab.weir("off", "dns.shop")
        process.stdin.write("\n")
        process.stdin.flush()
        process.first_line("asked")
        self.lab.weir("on", "dns.shop")
        out, _ = process.communicate("\n", timeout=20)
        results = json.loads(out.splitlines()[-1])
        self.assertEqual([results[n] for n in (1, 4, 7)], [["a", [VIP, 53]], ["real", [VIP, 53]], ["a", [VIP, 53]]])

    def test_mistakes_are_told(self):
        for words, wanted in ((("off", "nobody"), 'no service "nobody"'), (("off", "--for", "5"), "--for 5 is not a time"),
                              (("off", "--for", "31d"), "from 1s to 30d")):
            done = self.lab.weir(*words, check=False)
            self.assertIn(wanted, done.stderr)
            self.assertIn(done.returncode, (1, 2))


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""weir explain: what it says a connect would meet with is what a connect meets with."""

import sys

from case import VIP, VIP6, LabCase, service_yaml, wait_for
from test_latency import TALK

SLOW = "10.96.0.40"


class Explain(LabCase):
    @classmethod
    def mesh(cls):
        cls.fast, cls.slow = cls.lab.pod("fast"), cls.lab.pod("slow")
        for pod, extra in ((cls.fast, ()), (cls.slow, ("--slower", "40"))):
            pod.start(sys.executable, TALK, "serve", 8080, *extra)
        cls.extra = (service_yaml("talk.shop", [SLOW], [cls.fast.ip, cls.slow.ip], algorithm="round-robin")
                     + service_yaml("empty.shop", ["10.96.0.41"], [])
                     + "  two.shop: {addresses: [10.96.0.42], ports: [{port: 80}, {port: 81}], endpoints: []}\n"
                     + service_yaml("quiet.shop", ["10.96.0.43"], [cls.a.ip]) + "    mode: observe\n")
        return cls.mixed()

    @classmethod
    def mixed(cls):
        """orders.shop with an endpoint of IPv4, one of IPv6, and one that is drained."""
        return ("services:\n" + service_yaml("orders.shop", [VIP, VIP6], [("10.9.9.9", 0), cls.a.ip, cls.b.ip6],
                                             algorithm="round-robin") + cls.extra + "workloads:\n"
                + f"  client.shop: {{cgroup: {cls.lab.pattern('client')}}}\n"
                + f"  alone.shop: {{cgroup: {cls.lab.pattern('nobody')}, mode: off}}\n")

    def explain(self, *words):
        return self.lab.weir("explain", *words, "-o", "json", parse=True)

    def candidates(self, *words):
        return {one["endpoint"]: (one["in"], round(one["share"], 3), one["why"]) for one in self.explain(*words)["candidates"]}

    def test_candidates_by_family_and_weight(self):
        a, b = self.a.ip + ":8080", f"[{self.b.ip6}]:8080"
        drained = {"10.9.9.9:8080": (False, 0, "weight 0: no new connections")}
        told = self.explain("client.shop", "orders.shop")
        self.assertEqual((told["verdict"], told["address"], told["service"]), ("steered", VIP + ":80", "orders.shop"))
        self.assertEqual(told["why"], "round-robin over 1 of 3 endpoints")
        self.assertEqual(self.candidates("client.shop", "orders.shop"),
                         {**drained, a: (True, 1, ""), b: (False, 0, "an IPv4 socket cannot reach it")})
        self.assertEqual(self.candidates("client.shop", f"[{VIP6}]:80"), {**drained, a: (True, 0.5, ""), b: (True, 0.5, "")})
        self.assertEqual({self.client.probe(VIP, 80)["greeting"] for _ in range(6)}, {"a"})
        self.assertEqual({self.client.probe(VIP6, 80)["greeting"] for _ in range(6)}, {"a", "b"})

    def test_what_is_not_steered(self):
        for words, verdict, why in (
                (("client.shop", "empty.shop"), "refused", "ECONNREFUSED at once"),
                (("client.shop", "10.1.2.3:80"), "direct", "no service has the address 10.1.2.3"),
                (("client.shop", "orders.shop:81"), "direct", "orders.shop has no port 81, only 80/TCP"),
                (("client.shop", "quiet.shop"), "observed", "left alone"),
                (("alone.shop", "orders.shop"), "off", "weir is off for this call"),
                (("unknown", "orders.shop"), "steered", "round-robin over 1 of 3")):
            told = self.explain(*words)
            self.assertEqual(told["verdict"], verdict, words)
            self.assertIn(why, told["why"])
        self.assertEqual(self.client.probe("10.96.0.41", 80)["errno"], "ECONNREFUSED")

    def test_switched_off_by_hand(self):
        self.lab.weir("off", "orders.shop", "--for", "1m")
        self.addCleanup(self.lab.weir, "on", "orders.shop")
        self.assertEqual(self.explain("client.shop", "orders.shop")["verdict"], "off")

    def test_what_is_wrong_with_the_question(self):
        for words, said in ((("nobody.shop", "orders.shop"), 'no workload "nobody.shop"'),
                            (("client.shop", "ordres.shop"), 'no service "ordres.shop"'),
                            (("client.shop", "two.shop"), "which port of two.shop? It has 80/TCP, 81/TCP"),
                            (("client.shop", "10.1.2.3"), "which port of 10.1.2.3?"),
                            (("client.shop", "a&b"), "is no name")):
            done = self.lab.weir("explain", *words, check=False)
            self.assertEqual((done.returncode, done.stdout), (1, ""), words)
            self.assertIn(said, done.stderr)
        self.assertEqual(self.lab.weir("explain", "client.shop", check=False).returncode, 2)

    def test_network_or_application(self):
        wait_for(lambda: self.client.run(sys.executable, TALK, "ask", SLOW, 80, check=False), "an answer")
        self.client.run(sys.executable, TALK, "ask", SLOW, 80, "--ask", "2 100", "--times", 20, "--connections", 8)
        wait_for(lambda: self.explain("client.shop", "talk.shop")["candidates"][0]["counts"]["active"] == 0, "the end")
        told = self.lab.weir("explain", "client.shop", "talk.shop").stdout
        self.assertRegex(told, r"client\.shop -> talk\.shop 10\.96\.0\.40:80/TCP\nsteered: round-robin over 2 of 2 endpoints\n")
        self.assertRegex(told, rf"\n{self.slow.ip}:8080 .*slow: the application, the network is as the others'\n")
        self.assertRegex(told, rf"\n{self.fast.ip}:8080 +50\.0% .* in\n")
        self.lab.kill_agent()
        self.addCleanup(self.lab.start_agent, *self.AGENT_FLAGS)
        dead = self.lab.weir("explain", "client.shop", "talk.shop")
        self.assertEqual(dead.stdout, told)
        self.assertIn("no agent answers", dead.stderr)

    AGENT_FLAGS = ("--first-byte", "1")

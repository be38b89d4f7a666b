#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Outlier detection for UDP: endpoints that ICMP speaks against, and those that owe answers. The clients' own tallies are the
truth."""

import json
import os
import re
import unittest

from case import SLOW, VIP, VIP6, run, service_yaml, wait_for
from pinned import pins_of
from test_datagrams import HOOKS
from test_udp import UDP, UdpCase


class UdpHealth(UdpCase):
    ANSWER, PATIENCE, BASE = 0.4 * SLOW, 0.6 * SLOW, 30 * SLOW

    @classmethod
    def setUpClass(cls):
        super(UdpCase, cls).setUpClass()
        cls.running = {}

    def serve(self, pod, *words):
        if pod.name in self.running:
            self.running.pop(pod.name).stop()
        self.running[pod.name] = pod.start("python3", UDP, "serve", pod.name, "::", 5353, *words)
        self.running[pod.name].first_line("ready")

    def stop(self, pod):
        self.running.pop(pod.name).stop()

    def setUp(self):
        if self.lab.agent is None:
            self.lab.start_agent()
        self.lab.apply("services: {}\n")
        for pod in (self.a, self.b):
            self.serve(pod)

    def detect(self, answers=True, base=BASE, endpoints=None, extra_lines=""):
        extra = f", answerTimeout: {int(self.ANSWER * 1000)}ms" if answers else ""
        self.lab.apply(self.mesh_of(endpoints or [self.a.ip, self.b.ip]).replace(
            "workloads:", f"    outlierDetection: {{consecutiveFailures: 3, baseEjectionTime: {int(base * 1000)}ms{extra}}}\n{extra_lines}workloads:"))
        self.wait_for_hooks()

    def wait_for_hooks(self):
        wait_for(lambda: HOOKS <= set(os.listdir(pins_of(self.lab) + "/links")), "datagrams to be looked at")

    def endpoint(self, address):
        return self.lab.endpoints("dns.shop")[address + ":5353"]

    def state(self, pod):
        return self.endpoint(pod.ip)["state"]

    def told(self):
        return {(flow["verdict"], flow["reason"]) for flow in self.lab.weir("flows", "--since", "1h", "--service", "dns.shop", "-o", "json", parse=True)["items"]}

    def counts(self):
        """Of the kernel's own counts, and of the events."""
        events = [flow["verdict"] for flow in self.lab.weir("flows", "--since", "1h", "--last", "100000", "-o", "json", parse=True)["items"]]
        return ([self.reason(name) for name in ("endpoint_ejected", "half_open_try", "endpoint_restored")],
                [events.count(verdict) for verdict in ("ejected", "half-open", "restored")])

    def grown(self, before):
        counted, told = ([now - then for now, then in zip(*pair)] for pair in zip(self.counts(), before))
        return counted == told and min(counted) > 0

    def fresh(self, count, connected, address=VIP):
        return self.talk(["patience", self.PATIENCE], ["fresh", address, 53, count, connected])[1]

    def test_icmp_speaks_against_an_endpoint(self):
        """Connected sockets are told by the kernel, and so is weir: at the next datagram that goes there. No answers are owed."""
        self.detect(answers=False)
        self.assertEqual(self.fresh(20, 1)["errors"], {})
        self.stop(self.b)
        self.lab.kill_agent()
        tally = self.fresh(200, 1)
        self.assertEqual(tally["errors"], {"ECONNREFUSED": 4})
        self.assertEqual(tally["a"], 196)
        self.assertEqual(self.state(self.b), "ejected")

    def forward(self, rule):
        """On the way between the pods, until the test is over."""
        node = ["ip", "netns", "exec", self.lab.node, "nft"]
        run(*node, "add table inet between; add chain inet between f { type filter hook forward priority 0; }; "
            f"add rule inet between f {rule}")
        self.addCleanup(run, *node, "delete table inet between", check=False)

    def test_icmp_of_a_router(self):
        self.detect(answers=False)
        self.forward(f"ip daddr {self.b.ip} reject with icmp type admin-prohibited")
        tallies = [self.fresh(1, 1) for _ in range(12)]  # not all within the milliseconds in which nobody is told from this node
        self.assertEqual([one["errors"] for one in tallies if one["errors"]], [{"EHOSTUNREACH": 1}] * 4)
        self.assertEqual(self.state(self.b), "ejected")

    def test_icmp_of_ipv6(self):
        self.detect(answers=False, endpoints=[self.a.ip6, self.b.ip6])
        self.stop(self.b)
        tally = self.fresh(40, 1, VIP6)
        self.assertEqual((tally["a"], tally["errors"]), (36, {"ECONNREFUSED": 4}))
        self.assertEqual(self.endpoint(f"[{self.b.ip6}]")["state"], "ejected")

    def test_answers_that_are_owed(self):
        """By unconnected sockets, which nobody tells of anything; with the agent dead."""
        self.detect()
        self.serve(self.b, "no")
        self.lab.kill_agent()
        tally = self.fresh(60, 0)
        self.assertEqual(tally["errors"], {"timeout": 4})
        self.assertEqual(tally["a"], 56)
        self.assertEqual((self.state(self.b), self.endpoint(self.b.ip)["reason"]), ("ejected", "3 requests failed"))

    def test_one_that_is_well_again_comes_back(self):
        self.detect(base=1 * SLOW)
        of_service = lambda: sum(int(n) for n in re.findall(r'^weir_service_ejections_total\{destination_service="dns.shop",.*\} (\d+)', self.lab.metrics(), re.M))  # noqa: E731
        before, ejections = self.counts(), of_service()
        self.serve(self.b, "no")
        self.fresh(20, 0)
        self.assertNotEqual(self.state(self.b), "serving")
        wait_for(lambda: self.fresh(4, 0) and self.counts()[0][1] >= before[0][1] + 2, "two tries without an answer", 30 * SLOW)
        self.serve(self.b)
        wait_for(lambda: self.fresh(4, 0) and self.state(self.b) == "serving", "it to come back", 30 * SLOW)
        self.assertEqual(self.fresh(100, 0), {"wrong": 0, "errors": {}, "a": 50, "b": 50})
        wait_for(lambda: {("ejected", "timeout"), ("half-open", ""), ("restored", "")} <= self.told(), "the agent to tell of it")
        wait_for(lambda: self.grown(before), "as many events as were counted")
        self.assertEqual(of_service() - ejections, self.counts()[0][0] - before[0][0])

    def test_a_socket_that_goes_on_asking_leaves_it(self):
        """Its flow has no handshake that would tell it; where the service has as many as it may, too."""
        self.detect(extra_lines="    limits: {maxConnections: 2}\n")
        self.serve(self.b, "no")
        asks = [["ask_many", name, VIP, 53, 1] for _ in range(20) for name in "st"]
        tallies = self.talk(["patience", self.PATIENCE], ["socket", "s"], ["socket", "t"], *asks)[3:]
        ones = sorted(["a" in tally for tally in tallies[start::2]].count(True) for start in (0, 1))
        self.assertEqual(ones, [16, 20])
        self.assertEqual(self.state(self.b), "ejected")

    def test_a_try_is_a_flow_and_not_its_first_datagram(self):
        """As of resolvers that send two questions at once."""
        self.detect(base=1 * SLOW)
        self.serve(self.b, "no")
        self.fresh(20, 0)
        self.serve(self.b)
        pair = [["socket", "s"], ["sendto", "s", VIP, 53], ["sendto", "s", VIP, 53], ["recvfrom", "s"], ["recvfrom", "s"]]

        def asks():
            answers = [answer for answer in self.talk(["patience", self.PATIENCE], *pair * 4)[1:] if isinstance(answer, list)]
            self.assertEqual([answer[2] for answer in answers], [[VIP, 53]] * 8)
            return self.state(self.b) == "serving"
        wait_for(asks, "it to come back", 30 * SLOW)

    def test_one_that_icmp_does_not_contradict_comes_back(self):
        self.detect(answers=False, base=1 * SLOW)
        before = self.counts()
        self.stop(self.b)
        self.fresh(20, 1)
        self.assertNotEqual(self.state(self.b), "serving")
        self.serve(self.b, "no")
        wait_for(lambda: self.fresh(4, 1) and self.state(self.b) == "serving", "it to come back", 30 * SLOW)
        wait_for(lambda: self.grown(before), "as many events as were counted")

    def test_the_flows_of_one_that_is_out_by_hand_stay(self):
        self.detect()
        asks = [["ask", name, VIP, 53] for name in "st"]
        process = self.start_talk(["socket", "s"], ["socket", "t"], *asks, ["print", "", "asked"], ["wait", ""], *asks)
        process.first_line("asked")
        self.lab.weir("eject", "dns.shop", self.b.ip + ":5353")
        self.addCleanup(self.lab.weir, "restore", "dns.shop", self.b.ip + ":5353")
        results = json.loads(process.communicate("\n")[0].splitlines()[-1])
        self.assertEqual(results[2:4], results[-2:])
        self.assertEqual({one[0] for one in results[2:4]}, {"a", "b"})

    def test_what_an_old_socket_sees_of_it_counts_for_nothing(self):
        """Only a try brings it back."""
        self.detect()
        sockets = [[["socket", name], ["connect", name, VIP, 53]] for name in "st"]
        asks = [[["send", name], ["recv", name]] for name in "st"]
        process = self.start_talk(*sockets[0], *sockets[1], *asks[0], *asks[1], ["print", "", "asked"], ["wait", ""], *asks[0], *asks[1])
        process.first_line("asked")
        self.serve(self.b, "no")
        self.fresh(20, 0)
        self.serve(self.b)
        results = json.loads(process.communicate("\n")[0].splitlines()[-1])
        self.assertEqual({results[-3][0], results[-1][0]}, {"a", "b"})
        self.assertEqual(self.state(self.b), "ejected")

    def test_silence_says_nothing_where_no_answer_is_owed(self):
        self.detect(answers=False, base=self.ANSWER)
        self.serve(self.b, "no")
        tally = self.fresh(12, 0)
        self.assertEqual((tally["a"], tally["errors"]), (6, {"timeout": 6}))
        self.assertEqual(self.state(self.b), "serving")

    def test_silence_of_all_is_the_nodes_own(self):
        self.detect()
        for pod in (self.a, self.b):
            self.serve(pod, "no")
        self.assertEqual(self.fresh(12, 0)["errors"], {"timeout": 12})
        self.assertEqual([self.state(pod) for pod in (self.a, self.b)], ["serving"] * 2)
        for pod in (self.a, self.b):
            self.serve(pod)
        self.assertEqual(self.fresh(12, 0), {"wrong": 0, "errors": {}, "a": 6, "b": 6})
        self.assertEqual([self.state(pod) for pod in (self.a, self.b)], ["serving"] * 2)

    def test_dns_owes_answers(self):
        """A real server and a real client; a port with `appProtocol: dns`."""
        for pod in (self.a, self.b):
            pod.start("dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--port=53", "--user=root",
                      "--address=/who.shop/" + pod.ip, "--pid-file", stdout=-3, stderr=-3)
            wait_for(lambda pod=pod: ":53 " in pod.run("ss", "-Hlun"), "dnsmasq")
        dns = service_yaml("dns.shop", [VIP], [self.a.ip, self.b.ip], 53, 53, "round-robin", "UDP")
        dns = re.sub(r"ports: \[.*\]", "ports: [{port: 53, protocol: UDP, appProtocol: dns}]", dns)
        self.lab.apply("services:\n" + dns + f"    outlierDetection: {{baseEjectionTime: {int(self.BASE)}s}}\n"
                       f"workloads:\n  client.shop: {{cgroup: {self.lab.pattern('client')}}}\n")
        self.wait_for_hooks()
        self.forward(f"ip daddr {self.b.ip} drop")
        seen = [self.client.run("dig", "+short", "+tries=1", f"+time={int(3 * SLOW)}", "@" + VIP, "who.shop", check=False).strip() for _ in range(20)]
        self.assertEqual(sum(self.a.ip not in one for one in seen), 4)
        self.assertEqual(self.lab.endpoints("dns.shop")[self.b.ip + ":53"]["state"], "ejected")


if __name__ == "__main__":
    unittest.main()

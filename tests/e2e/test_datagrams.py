#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Datagrams and their bytes, counted for the services that ask: equal to what the client sent and received."""

import json
import os
import unittest

from case import ROOT, VIP, VIP6, LabCase, service_yaml, wait_for
from pinned import pins_of

DATAGRAMS = ROOT + "/tests/tools/datagrams.py"
OTHER = "10.96.0.11"
MANY, PORTS = [f"10.96.1.{n}" for n in range(1, 7)], range(5361, 5367)
ASKS = "    observe: {datagrams: true}\n"
HOOKS = {"weir_egress", "weir_ingress", "weir_udp_error"}


class DatagramCounts(LabCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for pod in (cls.a, cls.b):
            pod.start("python3", DATAGRAMS, "serve", 5353, *PORTS).first_line("ready")

    @classmethod
    def mesh_of(cls, endpoints, asks=ASKS, mode=""):
        service = lambda name, addresses, port=5353: service_yaml(  # noqa: E731
            name, addresses, endpoints, 53, port, "round-robin", "UDP")
        many = "".join(service(f"many{port}.shop", [address], port) + asks for address, port in zip(MANY, PORTS))
        return ("services:\n" + service("dns.shop", [VIP, VIP6]) + asks + mode + service("quiet.shop", [OTHER]) + many
                + f"workloads:\n  client.shop: {{cgroup: {cls.lab.pattern('client')}}}\n")

    def setUp(self):
        self.use(ASKS)

    def use(self, asks, mode=""):
        self.lab.apply(self.mesh_of([self.a.ip, self.b.ip] + ([] if mode else [self.a.ip6]), asks, mode))
        wait_for(lambda: self.hooks() == (HOOKS if asks else set()), "the hooks to be as the mesh wants them")

    def hooks(self):
        return HOOKS & set(os.listdir(pins_of(self.lab) + "/links"))

    def ask(self, address, *options):
        return json.loads(self.client.run("python3", DATAGRAMS, "ask", address, 53, *options).splitlines()[-1])

    def counted(self, service="dns.shop"):
        counts = self.totals(service, all_of_them=True)
        return {by: [counts["datagrams" + by.capitalize()], counts["bytes" + by.capitalize()]]
                for by in ("sent", "received")}

    def totals(self, service="dns.shop", all_of_them=False):
        items = self.lab.weir("services", service, "-o", "json", parse=True)["items"]
        return items[0]["counts"] if all_of_them else super().totals(service)

    def assert_counted(self, address, *options, service="dns.shop"):
        before = self.counted(service)
        tally = self.ask(address, *options)
        after = self.counted(service)
        self.assertEqual({by: [a - b for a, b in zip(after[by], before[by])] for by in after}, tally, options)
        return tally

    def test_equal_to_what_the_client_saw(self):
        for address in (VIP, VIP6):
            for connected in ([], ["--connected"]):
                for size in (0, 1, 1400, 8000):  # the last one goes in several packets
                    self.assert_counted(address, "--size", size, *connected)

    def test_several_datagrams_in_one_call(self):
        for address in (VIP, VIP6):
            for connected in ([], ["--connected"]):
                tally = self.assert_counted(address, "--size", 5500, "--segment", 1000, *connected)
                self.assertEqual(tally["sent"], [600, 550000])

    def test_one_socket_and_more_services_than_it_has_room_for(self):
        tally = self.ask(",".join(MANY), "--count", 60)
        shares = [self.counted(f"many{port}.shop") for port in PORTS]
        self.assertEqual(shares, [{side: [n // 6 for n in both] for side, both in tally.items()}] * 6)

    def test_only_of_services_that_ask(self):
        before = self.counted("quiet.shop")
        self.ask(OTHER, "--connected")
        self.ask(OTHER)
        self.assertEqual(self.counted("quiet.shop"), before)

    def test_hooks_are_there_only_while_a_service_asks(self):
        was = self.assert_counted(VIP)
        self.assertEqual(was["sent"][0], 100)
        before = self.counted()
        self.use("")
        self.ask(VIP)
        self.assertEqual(self.counted(), before)
        self.lab.kill_agent()
        self.lab.start_agent()
        self.assertEqual(self.hooks(), set())
        self.use(ASKS)
        self.assert_counted(VIP)

    def test_with_the_agent_dead_and_over_its_restart(self):
        self.lab.kill_agent()
        self.assert_counted(VIP)
        before = self.counted()
        asking = self.client.start("python3", DATAGRAMS, "ask", VIP, 53, "--seconds", 2)
        for _ in range(2):
            self.lab.start_agent()
            self.lab.kill_agent()
        tally = json.loads(asking.communicate(timeout=30)[0].splitlines()[-1])
        self.lab.start_agent()
        after = self.counted()
        self.assertEqual({by: [a - b for a, b in zip(after[by], before[by])] for by in after}, tally)

    def test_metrics_and_screen(self):
        tally = self.assert_counted(VIP)
        lines = [line for line in self.lab.metrics().splitlines() if 'destination_service="dns.shop"' in line]
        for name, at in (("weir_udp_datagrams_total", 0), ("weir_udp_bytes_total", 1)):
            for by, side in (("caller", "sent"), ("endpoint", "received")):
                shown = sum(float(line.split()[-1]) for line in lines if line.startswith(name) and f'by="{by}"' in line)
                self.assertEqual(shown, self.counted()[side][at], (name, by))
        self.assertGreater(tally["sent"][0], 0)
        quiet = [line for line in self.lab.metrics().splitlines() if "quiet.shop" in line and "datagrams" in line]
        self.assertEqual(quiet, [])
        self.assertIn("DATAGRAMS", self.lab.weir("edges", "-o", "wide").stdout)

    def test_sums_stay_when_an_endpoint_leaves(self):
        self.assert_counted(VIP)
        before = self.counted()
        self.lab.apply(self.mesh_of([self.b.ip, self.a.ip6]))
        wait_for(lambda: "departed" in self.lab.weir("edges", "dns.shop", "-o", "wide").stdout, "the endpoint to leave")
        self.assertEqual(self.counted(), before)
        self.assert_counted(VIP)


if __name__ == "__main__":
    unittest.main()

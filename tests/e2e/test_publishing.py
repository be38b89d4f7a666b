# SPDX-License-Identifier: Apache-2.0
"""Endpoints that come and go under load: a connect whose endpoint is alive never gets an error."""

import time
import unittest

from case import SLOW, VIP, Background, LabCase


class Churn(LabCase):
    SERVERS = ("a", "b", "c", "d")

    def test_changing_endpoints_under_load(self):
        pods = [self.a, self.b, self.c, self.d]
        before = self.settled()
        with Background(self.client, threads=2, batch=300) as load:
            started, round_number = time.monotonic(), 0
            while time.monotonic() < started + 6 or (load.total < 5000 and time.monotonic() < started + 60):
                chosen = [p for i, p in enumerate(pods) if (round_number >> i) & 1] or pods
                algorithm = "random" if round_number % 3 else "round-robin"
                self.lab.write_mesh(self.mesh_of([(p.ip, 1 + round_number % 7) for p in chosen], algorithm))
                round_number += 1
                time.sleep(0.004)
        self.assertEqual((load.errors, load.wrong_peer), ({}, 0))
        self.assertGreaterEqual(load.total, 5000 / SLOW)
        after = self.settled()
        self.assertEqual(after["opened"] - before["opened"], load.total)
        self.assertEqual(after["closed"] - before["closed"], load.total)
        self.assertGreater(self.lab.weir("status", "-o", "json", parse=True)["generation"], 30 / SLOW)

    def test_a_removed_endpoint_keeps_its_connections(self):
        self.lab.apply(self.mesh_of([self.a.ip]))
        held = self.client.start(self.bin() + "/weir-peer", "hold", VIP, 80, "--interval", "20")
        held.first_line("holding a")
        self.lab.apply(self.mesh_of([self.b.ip]))
        self.assertEqual(self.lab.endpoints("orders.shop")[self.a.ip + ":8080"]["state"], "leaving")
        self.assertEqual(self.client.connects(VIP, 80, count=10)["greeted"], {"b": 10})
        self.assertIn('"errors": 0', held.stop())
        self.settled()

    @staticmethod
    def bin():
        from case import BIN
        return BIN


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""A caller whose socket storage is refused: steered, opened is counted, active is not, and it is said. A
service that needs its connections tracked refuses instead."""

import json
import unittest

from case import VIP, LabCase, run
from pinned import SETTINGS, pins_of


class RefusedStorage(LabCase):
    def connects_without_storage(self, count):
        # optmem is what socket storage is charged to; it is per namespace since 6.7, so only the pod's shrinks.
        if "optmem_max" not in self.client.run("ls", "/proc/sys/net/core"):
            self.skipTest("net.core.optmem_max per network namespace (kernel 6.7)")
        with open("/proc/sys/net/core/optmem_max") as file:
            machine = file.read()
        self.client.sysctl("net.core.optmem_max", "64")
        tally = self.client.connects(VIP, 80, count=count, check_peer=0)
        self.client.sysctl("net.core.optmem_max", "131072")
        with open("/proc/sys/net/core/optmem_max") as file:
            self.assertEqual(file.read(), machine, "the machine's own limit was changed")
        return tally

    def test_refused_where_the_service_needs_tracking(self):
        # Nothing in the mesh file asks for it yet (limits, policy and failover will): the flag is put into the row.
        pin = f"{pins_of(self.lab)}/maps/weir_svc_port"
        row = json.loads(run("bpftool", "-j", "map", "lookup", "pinned", pin, "key", "0", "0", "0", "0"))["value"]
        for settings in (SETTINGS, SETTINGS + (len(row) - SETTINGS) // 2):
            row[settings + 14] = "0x01"
        run("bpftool", "map", "update", "pinned", pin, "key", "0", "0", "0", "0", "value", *row)
        before = self.settled()
        self.assertEqual(self.connects_without_storage(5)["errors"], {"ENOBUFS": 5})
        self.assert_clean(self.client.connects(VIP, 80, count=5))  # a socket with storage is served
        after = self.settled()
        self.assertEqual(after["opened"] - before["opened"], 10)
        self.assertEqual(after["failed"] - before["failed"], 5)
        self.assertIn("5 connects refused: no socket storage, and the service needs it", self.lab.weir("status").stdout)
        for settings in (SETTINGS, SETTINGS + (len(row) - SETTINGS) // 2):
            row[settings + 14] = "0x00"
        run("bpftool", "map", "update", "pinned", pin, "key", "0", "0", "0", "0", "value", *row)

    def test_steered_and_counted_as_untracked(self):
        before = self.settled()
        tally = self.connects_without_storage(20)
        self.assertEqual(tally["errors"], {})
        self.assertEqual(tally["greeted"], {"a": 10, "b": 10})
        after = self.settled()
        self.assertEqual(after["opened"] - before["opened"], 20)
        self.assertEqual(after["untracked"] - before["untracked"], 20)
        self.assertEqual(after["closed"], before["closed"])
        self.assertEqual(after["active"], 0)
        status = self.lab.weir("status").stdout
        self.assertIn("20 connects steered without socket storage", status)
        self.assertIn("‼ no connects steered without socket storage", self.lab.weir("check").stdout)


if __name__ == "__main__":
    unittest.main()

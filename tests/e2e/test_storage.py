# SPDX-License-Identifier: Apache-2.0
"""A caller whose socket storage is refused: steered, opened is counted, active is not, and it is said."""

import unittest

from case import VIP, LabCase


class RefusedStorage(LabCase):
    def test_steered_and_counted_as_untracked(self):
        # optmem is what socket storage is charged to; it is per namespace since 6.7, so only the pod's shrinks.
        try:
            self.client.run("sh", "-c", "test -e /proc/sys/net/core/optmem_max")
        except RuntimeError:
            self.skipTest("net.core.optmem_max per network namespace (kernel 6.7)")
        with open("/proc/sys/net/core/optmem_max") as file:
            machine = file.read()
        self.client.sysctl("net.core.optmem_max", "64")
        before = self.settled()
        tally = self.client.connects(VIP, 80, count=20, check_peer=0)
        self.client.sysctl("net.core.optmem_max", "131072")
        with open("/proc/sys/net/core/optmem_max") as file:
            self.assertEqual(file.read(), machine, "the machine's own limit was changed")
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

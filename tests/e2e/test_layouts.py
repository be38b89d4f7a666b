#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An upgrade to a build whose tables have other layouts, and back: rows, sockets and counts move, traffic does not notice."""

import os
import unittest

from case import BIN, ROOT, Background, LabCase, VIP  # noqa: F401

CHANGED = ROOT + "/build/changed/bin/weir-agent"


class Layouts(LabCase):
    def start(self, binary):
        self.lab.kill_agent()
        self.lab.start_agent(binary=binary)

    def test_there_and_back(self):
        self.settled()
        before = self.settled()
        with Background(self.client) as load:
            for _ in range(3):
                self.start(CHANGED)
                self.start(BIN + "/weir-agent")
        self.assertEqual((load.errors, load.wrong_peer), ({}, 0))
        after = self.settled()
        self.assertEqual(after["opened"] - before["opened"], load.total)
        self.assertEqual(after["closed"] - before["closed"], load.total)


if __name__ == "__main__":
    unittest.main()

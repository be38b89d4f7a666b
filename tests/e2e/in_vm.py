#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What runs in a virtual machine of the oldest kernel: an upgrade to rows that have grown, whose programs must fit into its
stack, and back; then what sets the machine's clock. Never on a machine that is somebody's: `tests/run.sh vm` says by
WEIR_MAY_SET_CLOCK=1 that it is none. Ends with N passed, N failed, N skipped."""

import os
import sys
import unittest

TESTS = ("test_layouts.Layouts.test_what_was_counted_and_noted_stays", "clock_steps")

if __name__ == "__main__":
    if os.environ.get("WEIR_MAY_SET_CLOCK") != "1":
        sys.exit("these tests set the machine's clock: run them by `tests/run.sh vm`, which does so in a virtual machine")
    ran = unittest.TextTestRunner(verbosity=2).run(unittest.defaultTestLoader.loadTestsFromNames(TESTS))
    bad, skipped = len(ran.failures) + len(ran.errors), len(ran.skipped)
    print(f"{ran.testsRun - bad - skipped} passed, {bad} failed, {skipped} skipped")
    sys.exit(1 if bad else 0)

# SPDX-License-Identifier: Apache-2.0
"""The demo as a user runs it: --once is right from end to end, and Ctrl-C leaves nothing behind."""

import glob
import os
import re
import signal
import subprocess
import time
import unittest

from case import BIN, ROOT, SLOW, run


class Demo(unittest.TestCase):
    def start(self, *words):
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        return subprocess.Popen(["python3", ROOT + "/deploy/demo/demo.py", *words], env=environment, text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)

    def test_once(self):
        with self.start("--once") as demo:
            out, _ = demo.communicate(timeout=300 * SLOW)
        self.assertEqual(demo.returncode, 0, out)
        self.assertIn("Everything shown is right.", out)
        self.assertNotIn("×", out)
        self.assertEqual(out.count("√"), 21)
        self.assertRegex(out, r"orders\.shop +80/TCP .* (ejected|half-open) .*connects failed; out for")  # the screen shows why
        self.assertRegex(out, r"ejected .*orders\.shop")
        if "/asan/" not in BIN:  # its shadow memory counts too
            self.assertLessEqual(float(re.search(r"([\d.]+) MiB resident", out)[1]), 25)

    def test_ctrl_c_cleans_up(self):
        with self.start("--once") as demo:
            said = ""
            while "1. Every call is steered" not in said:
                said = demo.stdout.readline()
            lab = next(d for d in glob.glob("/tmp/weir-w*") if f"{demo.pid}" in self.owner_of(d))
            identity = os.path.basename(lab).split("-")[1]
            time.sleep(0.3)
            os.kill(demo.pid, signal.SIGINT)
            out, _ = demo.communicate(timeout=60 * SLOW)
        self.assertEqual(demo.returncode, 130, out)
        self.assertIn("everything the demo made is removed", out)
        self.assertNotIn(identity, run("ip", "netns"))
        self.assertNotIn(identity, run("mount"))
        self.assertFalse(os.path.exists(lab))

    @staticmethod
    def owner_of(directory):
        """Pids whose command line or parent names the lab: its agent's parent is the demo."""
        found = subprocess.run(["pgrep", "-f", directory], text=True, capture_output=True).stdout.split()
        parents = []
        for pid in found:
            try:
                with open(f"/proc/{pid}/stat") as file:
                    parents.append(file.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                pass
        return parents


if __name__ == "__main__":
    unittest.main()

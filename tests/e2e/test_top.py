# SPDX-License-Identifier: Apache-2.0
"""weir top: what it says of a window is what the clients did in it, on a terminal, a dumb one and in a pipe."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time

from case import BIN, SLOW
from test_latency import Measured


class Top(Measured):
    def top(self, *words):
        """Started, with its first look taken: what follows is in its window."""
        process = subprocess.Popen([BIN + "/weir", *self.lab.flags(), "top", *words], text=True, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        time.sleep(0.5 * SLOW)
        return process

    def window(self, *words):
        """What one window of 4 s says, of a client that does its work in it: (rows by name, the client's tally)."""
        top = self.top("--once", "--window", f"{4 * SLOW:.0f}s", "-o", "json", *words)
        tally = self.ask("--ask", "4 1000", "--ask", "4 500", "--ask", "60 10", "--connections", 3, "--times", 5)
        out, _ = top.communicate()
        return {row["name"]: row for row in json.loads(out)["items"]}, tally

    def test_what_it_says_is_what_the_client_did(self):
        self.settled_edge()
        rows, tally = self.window()
        row = rows["talk.shop:80"]
        counts, first_byte = row["counts"], row["latencies"]["firstByte"]
        self.assertEqual((counts["opened"], counts["failed"], counts["active"], row["success"]), (3, 0, 0, 1))
        self.assertEqual((counts["bytesSent"], counts["bytesReceived"]), (tally["sent"], tally["received"]))
        self.assertEqual(first_byte["count"], tally["questions"])
        self.assertAlmostEqual(first_byte["p50Seconds"] / tally["p50"], 1, delta=0.15 if SLOW == 1 else 0.5)  # a slow client's own time
        self.assertAlmostEqual(first_byte["p99Seconds"] / tally["p99"], 1, delta=0.3)  # of few, and a bucket is 19 % wide
        self.assertAlmostEqual(row["connectsPerSecond"], 3 / (4 * SLOW), delta=0.1)

    def test_by_workload_and_by_endpoint(self):
        rows, _ = self.window("--by", "workload")
        self.assertEqual(rows["client.shop"]["counts"]["opened"], 3)
        rows, _ = self.window("--by", "endpoint")
        self.assertEqual(rows[f"talk.shop:80 {self.talker.ip}:8080"]["counts"]["opened"], 3)

    def test_in_a_pipe_frames_follow_one_another(self):
        top = self.top("--window", "1s")
        self.ask("--ask", "1 10", "--times", 20)
        time.sleep(2.5)
        top.send_signal(signal.SIGINT)
        out, _ = top.communicate()
        self.assertEqual(top.returncode, 0)
        self.assertNotIn("\033", out)
        self.assertGreaterEqual(out.count("SUCCESS"), 2)
        self.assertRegex(out, r"talk\.shop:80 +100\.0% +\S+ +[\d.]+m?u?s ")
        self.assertLessEqual(max(map(len, out.splitlines())), 80)

    def on_terminal(self, term, columns=80, rows=24):
        """What a terminal of that size gets in three windows, ended by ^C."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ["TERM"] = term
            os.execv(BIN + "/weir", ["weir", *self.lab.flags(), "top", "--window", "1s"])
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        time.sleep(0.5 * SLOW)
        self.ask("--ask", "1 10", "--times", 20)
        time.sleep(2.5 * SLOW)
        os.write(terminal, b"\x03")
        _, status = os.waitpid(pid, 0)
        seen = b""
        try:
            while chunk := os.read(terminal, 65536):
                seen += chunk
        except OSError:  # the terminal's end
            pass
        os.close(terminal)
        return os.waitstatus_to_exitcode(status), seen.decode()

    def test_on_a_terminal_a_frame_takes_the_place_of_the_last(self):
        code, seen = self.on_terminal("xterm")
        self.assertEqual(code, 0)
        self.assertTrue(seen.startswith("\033[?1049h"), repr(seen[:80]))
        self.assertTrue(seen.rstrip().endswith("\033[?1049l"), repr(seen[-80:]))
        frames = seen.split("\033[H\033[J")[1:]
        self.assertGreaterEqual(len(frames), 2)
        for frame in frames:
            lines = re.sub(r"\033\[[?\d]*[a-zA-Z]|\^C", "", frame).replace("\r", "").rstrip("\n").split("\n")
            self.assertLess(len(lines), 24)
            self.assertLessEqual(max(map(len, lines)), 80)

    def test_on_a_dumb_terminal_there_are_no_escapes(self):
        code, seen = self.on_terminal("dumb")
        self.assertEqual(code, 0)
        self.assertNotIn("\033", seen)
        self.assertGreaterEqual(seen.count("SUCCESS"), 2)

    def test_with_the_agent_dead(self):
        self.lab.kill_agent()
        self.addCleanup(self.lab.start_agent, *self.AGENT_FLAGS)
        top = self.top("--once", "--window", f"{2 * SLOW:.0f}s")
        self.ask("--ask", "1 10", "--times", 20)
        out, _ = top.communicate()
        self.assertRegex(out, r"bytes are counted when connections end\n")
        self.assertRegex(out, r"talk\.shop:80 +100\.0% ")

    def test_wrong_usage(self):
        for words, said in ((("--window", "0.5s"), "write a time of 1s or more"), (("-o", "json"), "add --once"),
                            (("--by", "moon"), "moon"), (("--sort", "moon"), "moon")):
            done = subprocess.run([BIN + "/weir", *self.lab.flags(), "top", *words], text=True, capture_output=True, timeout=10)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(said, done.stderr)

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""timeouts: deadlines of TCP connections that the kernel keeps, by the clients' own clocks and what their sockets say;
and nothing is changed that the application has set itself."""

import json
import sys
import unittest

from case import SLOW, VIP, VIP6, LabCase, Lateness, run, service_yaml, wait_for

# ADDRESS [own TCP_USER_TIMEOUT]: how the connect ends, and after how many seconds.
CONNECT = """
import errno, json, socket, sys, time
address, own = sys.argv[1], int(sys.argv[2])
with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as s:
    if own:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, own)
    started = time.monotonic()
    error = s.connect_ex((address, 80))
    print(json.dumps([errno.errorcode.get(error, ""), time.monotonic() - started]))
"""
# ADDRESS BEFORE AFTER: what the options are after connecting, with own ones set before and after it.
OPTIONS = """
import json, socket, sys
T, S = socket.IPPROTO_TCP, socket.SOL_SOCKET
NAMES = {"user": (T, 18), "idle": (T, 4), "interval": (T, 5), "probes": (T, 6), "keepalive": (S, socket.SO_KEEPALIVE)}
def own(s, text):
    for one in filter(None, text.split(",")):
        name, value = one.split("=")
        s.setsockopt(*NAMES[name], int(value))
with socket.socket() as s:
    own(s, sys.argv[2])
    s.setblocking(False)
    s.connect_ex((sys.argv[1], 80))
    own(s, sys.argv[3])
    s.setblocking(True)
    s.recv(1)
    print(json.dumps({name: s.getsockopt(*NAMES[name]) for name in NAMES}))
"""
# ADDRESS [BYTES]: says connected; after a line, sends so many, and tells how and when that ends.
SEND = """
import errno, json, select, socket, sys, time
with socket.create_connection((sys.argv[1], 80)) as s:
    s.recv(100)
    print("connected", flush=True)
    sys.stdin.readline()
    started = time.monotonic()
    s.sendall(b"x" * int(sys.argv[2]))
    select.select([s], [], [s])
    error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    print(json.dumps([errno.errorcode.get(error, ""), time.monotonic() - started]))
"""
OWN = SEND.replace("    sys.stdin", "    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 2500)\n    sys.stdin")
# SERVICE SILENT OTHER: what a connect to the service comes to; then one of the same socket to somebody silent, whether that
# is given up soon; then another socket that was connected, dissolved, and goes to somebody else: its options.
LEAVER = """
import ctypes, json, socket, sys, time
s = socket.socket()
print(s.connect_ex((sys.argv[1], 80)), flush=True)
libc = ctypes.CDLL(None, use_errno=True)
def dissolve():
    assert libc.connect(s.fileno(), b"\\0" * 16, 16) == 0
dissolve()
s.settimeout(0.5)
try:
    s.connect((sys.argv[2], 80))
except TimeoutError as error:
    print("still connecting" if error.errno is None else error, flush=True)
s.settimeout(None)
dissolve()
s.connect((sys.argv[3], 8080))
s.recv(1)
print(json.dumps({"user": s.getsockopt(6, 18), "keepalive": s.getsockopt(1, socket.SO_KEEPALIVE)}))
"""
SILENT = "10.99.0.1"


class Deadlines(LabCase):
    SERVERS = ("a",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        run("ip", "-n", cls.lab.node, "route", "add", "blackhole", SILENT)
        run("ip", "-n", cls.lab.node, "route", "add", "blackhole", "fd99::1")

    def setUp(self):
        self.late = Lateness()
        self.addCleanup(self.late.stop)
        if self.lab.agent is None:
            self.lab.start_agent()

    def allow(self, timeouts, endpoint=None):
        self.lab.apply("services:\n" + service_yaml("orders.shop", [VIP, VIP6], [endpoint or self.a.ip])
                       + f"    timeouts: {{{timeouts}}}\n")

    def connect(self, address=VIP, own=0):
        return json.loads(self.client.run(sys.executable, "-c", CONNECT, address, own))

    def kept(self, seen, seconds):
        """Within 10 % or 20 ms, whichever is more; and as much later as this machine runs who has slept."""
        error, took = seen
        self.assertEqual(error, "ETIMEDOUT")
        self.assertGreaterEqual(took, seconds - max(0.1 * seconds, 0.02))
        self.assertLessEqual(took, seconds + max(0.1 * seconds, 0.02) * SLOW + self.late.most())

    def options(self, before="", after=""):
        """What is taken off the user timeout for the round trip, a few ms on a busy machine, is put on again."""
        seen = json.loads(self.client.run(sys.executable, "-c", OPTIONS, VIP, before, after))
        return seen | ({"user": 8800} if 8600 < seen["user"] < 8800 else {})

    def test_a_connect_takes_no_longer_than_it_may(self):
        before = self.reason("connect_deadline")
        for ms in (50, 200, 500, 1500, 3500):
            with self.subTest(ms):
                self.allow(f"connect: {ms}ms", SILENT)
                self.kept(self.connect(), ms / 1000)
        self.allow("connect: 300ms", "fd99::1")
        self.kept(self.connect(VIP6), 0.3)
        self.assertEqual(self.reason("connect_deadline") - before, 6)
        told = lambda: self.lab.weir("flows", "--reason", "connect_deadline").stdout.count("failed")  # noqa: E731
        wait_for(lambda: told() == 6, "the events")
        self.assertIn("orders.shop:80 failed: connect_deadline", self.lab.agent_log())

    def test_it_is_kept_with_the_agent_dead(self):
        self.allow("connect: 400ms", SILENT)
        self.lab.kill_agent()
        for _ in range(3):
            self.kept(self.connect(), 0.4)

    def test_an_application_keeps_its_own(self):
        """A connect looks at its own when the SYN is sent again, as without weir."""
        self.allow("connect: 100ms", SILENT)
        error, took = self.connect(own=1200)
        self.assertEqual(error, "ETIMEDOUT")
        self.assertGreater(took, 1.15)

    def test_options_of_an_open_connection(self):
        as_they_were = self.plain()
        self.allow("connect: 5s")
        self.assertEqual(self.options(), as_they_were)
        self.allow("connect: 5s, tcpUser: 9s")
        self.assertEqual(self.options(), as_they_were | {"user": 8800})  # less what passes before it begins
        self.allow("tcpUser: 9s, keepalive: {time: 30s, interval: 5s, probes: 4}")
        weirs = {"user": 8800, "idle": 30, "interval": 5, "probes": 4, "keepalive": 1}
        self.assertEqual(self.options(), weirs)
        self.assertEqual(self.options(before="user=777"), weirs | {"user": 777})
        self.assertEqual(self.options(after="user=778"), weirs | {"user": 778})
        own = {"keepalive": 1, "idle": 99}
        self.assertEqual(self.options(before="keepalive=1,idle=99"), as_they_were | own | {"user": 8800})
        self.assertEqual(self.options(before="idle=99,probes=7"), weirs | {"idle": 99, "probes": 7})
        self.allow("keepalive: {}")
        self.assertEqual(self.options(), as_they_were | {"idle": 60, "interval": 10, "probes": 3, "keepalive": 1})
        self.assertEqual(self.reason("option_refused"), 0)

    def plain(self):
        self.lab.apply("services:\n" + service_yaml("orders.shop", [VIP, VIP6], [self.a.ip]))
        return self.options()

    def deaf(self):
        """Until what is returned is called: what is sent to the endpoint is lost."""
        self.a.run("nft", "add table inet lossy; add chain inet lossy in { type filter hook input priority 0; }; "
                   "add rule inet lossy in tcp dport 8080 drop")
        return lambda: self.a.run("nft", "delete table inet lossy")

    def unacknowledged(self, length=1, program=SEND):
        process = self.client.start(sys.executable, "-c", program, VIP, length, stdin=-1)
        process.first_line("connected")
        hear = self.deaf()
        try:
            out, _ = process.communicate("go\n", timeout=60)
        finally:
            hear()
        return json.loads(out)

    def test_data_is_unacknowledged_for_no_longer_than_it_may(self):
        told = lambda: self.lab.weir("flows", "--reason", "user_deadline").stdout.count("closed")  # noqa: E731
        logged = lambda: self.lab.agent_log().count("orders.shop:80 was ended: user_deadline")  # noqa: E731
        before, others = self.reason("user_deadline"), (told(), logged())
        for seconds, length in ((1.0, 1), (3.0, 1), (1.0, 10000)):  # one segment is first sent again later than several
            with self.subTest((seconds, length)):
                self.allow(f"connect: 2s, tcpUser: {seconds * 1000:.0f}ms")
                self.kept(self.unacknowledged(length), seconds)
        self.assertEqual(self.reason("user_deadline") - before, 3)
        wait_for(lambda: told() - others[0] == 3, "the events")
        wait_for(lambda: logged() - others[1] == 3, "the log")

    def test_an_application_that_has_set_its_own_has_that_one(self):
        """After its connect; and it is not weir that has ended the connection."""
        self.allow("connect: 2s, tcpUser: 1s")
        before = self.reason("user_deadline")
        error, took = self.unacknowledged(program=OWN)
        self.assertEqual(error, "ETIMEDOUT")
        self.assertGreater(took, 2.4)
        self.assertEqual(self.reason("user_deadline"), before)

    def test_data_has_its_deadline_with_the_agent_dead(self):
        self.allow("tcpUser: 1s")
        self.lab.kill_agent()
        for _ in range(2):
            self.kept(self.unacknowledged(), 1.0)

    def test_a_silent_peer_is_found_by_keepalive(self):
        self.allow("keepalive: {time: 1s, interval: 1s, probes: 2}")
        before = self.reason("keepalive_deadline")
        self.lab.kill_agent()
        process = self.client.start(sys.executable, "-c", SEND.replace("sys.stdin.readline()", "").replace('s.sendall(b"x" * int(sys.argv[2]))', ""), VIP)
        process.first_line("connected")
        hear = self.deaf()
        try:
            out, _ = process.communicate(timeout=60)
        finally:
            hear()
        self.kept(json.loads(out), 3.0)
        self.lab.start_agent()
        self.assertEqual(self.reason("keepalive_deadline") - before, 1)
        wait_for(lambda: self.lab.weir("flows", "--reason", "keepalive_deadline").stdout.count("closed") == 1, "the event")

    def test_a_socket_that_goes_elsewhere_has_none_of_it(self):
        """A connect that missed its deadline, and the next one of that socket to a service without deadlines."""
        self.lab.apply("services:\n" + service_yaml("orders.shop", [VIP], [SILENT]) + "    timeouts: {connect: 100ms, tcpUser: 1s}\n"
                       + service_yaml("plain.shop", ["10.96.0.77"], [self.a.ip]))
        script = OPTIONS.replace("    own(s, sys.argv[2])\n", "    print(s.connect_ex((sys.argv[1], 80)), flush=True)\n", 1).replace(
            "    s.connect_ex((sys.argv[1], 80))\n    own", "    s.connect_ex(('10.96.0.77', 80))\n    own")
        first, then = self.client.run(sys.executable, "-c", script, VIP, "", "").splitlines()
        self.assertEqual(first, "110")
        self.assertEqual(json.loads(then)["user"], 0)

    def test_a_socket_that_leaves_the_mesh_has_none_of_it(self):
        """A connect that missed its deadline, or an open connection that is dissolved, and then one to no service at all."""
        for endpoint, first in ((SILENT, 110), (self.a.ip, 0)):
            with self.subTest(endpoint):
                self.lab.apply("services:\n" + service_yaml("orders.shop", [VIP], [endpoint])
                               + "    timeouts: {connect: 100ms, tcpUser: 1s, keepalive: {time: 30s}}\n")
                told, late, then = self.client.run(sys.executable, "-c", LEAVER, VIP, SILENT, self.a.ip).splitlines()
                self.assertEqual(int(told), first)
                self.assertEqual(late, "still connecting")
                self.assertEqual(json.loads(then), {"user": 0, "keepalive": 0})

    def test_data_has_a_deadline_and_its_handshake_has_none(self):
        self.allow("tcpUser: 1s", SILENT)
        seen = self.client.run(sys.executable, "-c", CONNECT.replace("with socket", "socket.setdefaulttimeout(2.5)\nwith socket"), VIP, 0)
        self.assertNotIn("ETIMEDOUT", seen)

    def test_it_is_shown(self):
        self.allow("connect: 500ms, tcpUser: 1s, keepalive: {time: 30s}")
        self.assertRegex(self.lab.weir("config", "orders.shop").stdout, r"timeouts +connect 500ms, tcpUser 1s, keepalive 30s \+ 3 x 10s")
        self.unacknowledged()
        count = self.reason("connect_deadline"), self.reason("user_deadline")
        self.assertGreater(count[1], 0)
        for name, value in zip(("connect_deadline", "user_deadline"), count):
            wait_for(lambda name=name, value=value: f'weir_kernel_events_total{{reason="{name}"}} {value}\n' in self.lab.metrics(), name)


if __name__ == "__main__":
    unittest.main()

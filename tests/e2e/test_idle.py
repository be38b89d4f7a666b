#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""timeouts.idle: connections on which no data moves are ended, and no others. By the clocks of both ends."""

import json
import sys
import time
import unittest

from case import SLOW, VIP, LabCase, service_yaml, wait_for

PLAIN = "10.96.0.77"
# Its first word says what a connection is for: `quiet`, or `talk SECONDS`: a byte so often. Tells how each of them ends.
SERVER = """
import errno, socket, threading, time
def serve(one):
    words = one.recv(100).decode().split()
    end = "closed"
    try:
        while words[0] == "talk":
            one.sendall(b"x"); time.sleep(float(words[1]))
        while one.recv(100):
            pass
    except OSError as error:
        end = errno.errorcode.get(error.errno, "?")
    print(end, flush=True)
server = socket.create_server(("::", 8080), family=socket.AF_INET6, backlog=100, dualstack_ipv6=True)
print("ready", flush=True)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""
# ADDRESS WORDS SECONDS TALK: what it says first; what its connection comes to within so many seconds, while it says
# something every TALK seconds (0: nothing).
CLIENT = """
import errno, json, select, socket, sys, time
with socket.create_connection((sys.argv[1], 80)) as s:
    s.sendall(sys.argv[2].encode())
    started, talk = time.monotonic(), float(sys.argv[4])
    print("begun", flush=True)
    end, error = started + float(sys.argv[3]), 0
    while time.monotonic() < end and not error:
        s.settimeout(talk or max(0.001, end - time.monotonic()))
        try:
            if talk:
                s.sendall(b"y")
            s.recv(100)
        except TimeoutError:
            pass
        except OSError as failed:
            error = failed.errno
    print(json.dumps([errno.errorcode.get(error, ""), time.monotonic() - started]))
"""
# A function of the kernel that programs may call: it is in the kernel's own types.
with open("/sys/kernel/btf/vmlinux", "rb") as types:
    KERNEL_CAN = b"\0bpf_sock_destroy\0" in types.read()


class Idle(LabCase):
    SERVERS = ()
    AGENT_FLAGS = ()

    @classmethod
    def mesh(cls):
        cls.a = cls.lab.pod("a")
        cls.server = cls.a.start(sys.executable, "-c", SERVER)
        cls.server.first_line("ready")
        return "services: {}\n"

    def setUp(self):
        if self.lab.agent is None or self.lab.agent.poll() is not None:
            self.lab.start_agent()
        self.before = self.reason("idle_deadline")
        if not KERNEL_CAN:
            self.allow(60)
            wait_for(lambda: "bpf_sock_destroy" in self.lab.weir("check", check=False).stdout, "the loss to be told")
            self.skipTest("bpf_sock_destroy (kernel 6.5)")

    def allow(self, seconds):
        self.lab.apply("services:\n" + service_yaml("orders.shop", [VIP], [self.a.ip]) + f"    timeouts: {{idle: {int(seconds * 1000)}ms}}\n"
                       + service_yaml("plain.shop", [PLAIN], [self.a.ip]))

    def begin(self, words="quiet", seconds=30.0, talk=0.0, address=VIP):
        process = self.client.start(sys.executable, "-c", CLIENT, address, words, seconds, talk)
        self.addCleanup(process.stop)
        process.first_line("begun")
        return process

    def end(self, process):
        return json.loads(process.communicate(timeout=120)[0])

    def ended(self, process, seconds):
        error, took = self.end(process)
        self.assertEqual((error, self.server.stdout.readline().strip()), ("ECONNABORTED", "ECONNRESET"))
        self.assertGreater(took, seconds - 0.02)
        self.assertLess(took, seconds + max(0.1 * seconds, 1) * SLOW)

    def test_after_its_time(self):
        for seconds in (2.0, 4.0):
            with self.subTest(seconds):
                self.allow(seconds)
                self.ended(self.begin(), seconds)
        self.assertEqual(self.reason("idle_deadline") - self.before, 2)
        self.assertEqual(self.settled()["failed"], 0)  # it was of use
        told = lambda: self.lab.weir("flows", "--reason", "idle_deadline").stdout  # noqa: E731
        wait_for(lambda: told().count("closed") == 2, "the events")
        self.assertRegex(told(), r"closed .* orders.shop:80 .* idle_deadline after [24]")

    def test_who_talks_or_is_talked_to_lives(self):
        self.allow(2)
        talks, listens, plain = self.begin(seconds=5, talk=0.7), self.begin("talk 0.7", seconds=5), self.begin(seconds=5, address=PLAIN)
        for process in (talks, listens, plain):
            self.assertEqual(self.end(process)[0], "")
            self.server.stdout.readline()
        self.assertEqual(self.reason("idle_deadline"), self.before)

    def test_it_pauses_while_the_agent_is_away(self):
        self.allow(2)
        process = self.begin()
        self.lab.kill_agent()
        time.sleep(4 * SLOW)
        self.assertIsNone(process.poll())
        self.assertIn("timeouts.idle pauses", self.lab.weir("status").stderr)
        self.lab.start_agent()
        error, took = self.end(process)
        self.assertEqual((error, self.server.stdout.readline().strip()), ("ECONNABORTED", "ECONNRESET"))
        self.assertGreater(took, 4 * SLOW)

    def test_what_is_open_when_it_is_asked_for(self):
        self.lab.apply("services:\n" + service_yaml("orders.shop", [VIP], [self.a.ip]))
        process = self.begin()
        time.sleep(2.5 * SLOW)
        self.allow(2)
        self.assertEqual((self.end(process)[0], self.server.stdout.readline().strip()), ("ECONNABORTED", "ECONNRESET"))

    def test_it_is_shown(self):
        self.allow(5400)
        self.assertRegex(self.lab.weir("config", "orders.shop").stdout, r"timeouts +idle 1h30m")
        wait_for(lambda: "idle_deadline" in self.lab.metrics(), "the reasons")
        self.assertNotIn("timeouts.idle", self.lab.weir("status").stderr)


class NotAllowed(LabCase):
    """An agent that may not enter network namespaces."""

    SERVERS = ("a",)
    CAPABILITIES = "+bpf,+net_admin,+perfmon"
    CAUSE = "this process may not enter"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.kill_agent()
        cls.lab.start_agent(prefix=("setpriv", f"--bounding-set=-all,{cls.CAPABILITIES}", "--inh-caps=-all"))

    def test_it_says_so(self):
        self.lab.apply(self.mesh_of([self.a.ip], extra="    timeouts: {idle: 1h}\n"))
        said = lambda: self.lab.weir("status", "-o", "json", parse=True)["agent"]["lostFeatures"]  # noqa: E731
        wait_for(lambda: any("timeouts.idle is not kept: " in one and self.CAUSE in one for one in said()), "it to be told")
        self.assertIn("timeouts.idle is not kept", self.lab.weir("check", check=False).stdout)
        self.assertEqual(self.lab.agent_log().count("idle-timeouts-not-kept"), 1)
        self.lab.apply(self.mesh_of([self.a.ip]))
        wait_for(lambda: not any("timeouts.idle" in one for one in said()), "it to be forgotten")


class NotAllowedToLook(NotAllowed):
    """One that may enter them, and cannot find them all."""

    CAPABILITIES = "+bpf,+net_admin,+perfmon,+sys_admin"
    CAUSE = "CAP_SYS_PTRACE"


if __name__ == "__main__":
    unittest.main()

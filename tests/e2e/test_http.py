# SPDX-License-Identifier: Apache-2.0
"""The agent's own endpoints, seen by who means it no good: idle and slow connections, large bodies, wishes to change
something; and by a probe, when the agent stands still."""

import os
import re
import signal
import socket
import time

from case import BIN, SLOW, LabCase, run, wait_for

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
ALLOWED = 8 << 20


class Http(LabCase):
    SERVERS = ()

    @classmethod
    def mesh(cls):
        return "services: {}\n"

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.lab.metrics_port), 10)
        self.addCleanup(connection.close)
        return connection

    def ask(self, request, seconds=10):
        with socket.create_connection(("127.0.0.1", self.lab.metrics_port), seconds) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        return answer.decode()

    def memory(self):
        with open(f"/proc/{self.lab.agent.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1]) << 10

    def least_memory(self):
        for _ in range(3):  # what a first answer takes is taken
            self.lab.metrics()
        return self.memory()

    def assert_answers(self):
        started = time.monotonic()
        self.assertIn("weir_build_info", self.lab.metrics())
        self.assertLess(time.monotonic() - started, 3 * SLOW)

    def test_1000_idle_connections(self):
        before = self.least_memory()
        idle = [self.connect() for _ in range(1000)]
        self.assert_answers()
        self.assertLess(self.memory() - before, ALLOWED)
        # They are closed when their time for a request is over, and the next find room.
        time.sleep(11 * SLOW)
        for connection in idle:
            connection.settimeout(1)
            self.assertEqual(connection.recv(1), b"")

    def test_more_than_there_is_room_for_are_refused_and_counted(self):
        def refused():
            try:
                return int(re.search(r"weir_http_connections_refused_total (\d+)", self.lab.metrics())[1])
            except ConnectionResetError:  # this very question: the agent has not seen yet that others left
                return 0
        before = refused()
        many = [self.connect() for _ in range(1100)]
        for connection in many[1024:]:  # those that found no room are closed
            self.assertEqual(connection.recv(1), b"")
        for connection in many[:50]:
            connection.close()
        wait_for(lambda: refused() - before >= 76, "the count", 5)

    def test_connections_leave_the_agent_its_descriptors(self):
        """Where the administrator allows few: the agent's own work goes on, and it can be asked by others."""
        self.lab.kill_agent()
        self.addCleanup(self.lab.start_agent)
        self.addCleanup(self.lab.kill_agent)
        self.lab.start_agent(prefix=("prlimit", "--nofile=400:400"))
        many = [self.connect() for _ in range(500)]
        time.sleep(0.5)
        started = time.monotonic()  # they are closed after 10 s
        before = self.lab.weir("status", "-o", "json", parse=True)
        self.lab.apply("services: {a.b: {addresses: [10.96.0.99], ports: [{port: 80}], endpoints: []}}\n")
        after = self.lab.weir("status", "-o", "json", parse=True)
        self.assertLess(time.monotonic() - started, 5)
        self.assertTrue(before["agent"] and after["agent"], "the agent itself has answered")
        self.assertGreater(after["generation"], before["generation"])
        time.sleep(4)  # its work of every few seconds needs some too
        self.assertNotIn("Too many open files", self.lab.agent_log())
        for connection in many:
            connection.close()

    def test_a_byte_a_second(self):
        before, started = self.least_memory(), time.monotonic()
        slow = [self.connect() for _ in range(200)]
        for byte in REQUEST[:8]:
            if time.monotonic() - started > 8:  # soon they are closed
                break
            for connection in slow:
                connection.send(bytes([byte]))
            self.assert_answers()
            time.sleep(1)
        self.assertLess(self.memory() - before, ALLOWED)
        time.sleep(4 * SLOW)  # 10 s for a request, however many bytes come
        for connection in slow:
            connection.settimeout(1)
            try:
                self.assertEqual(connection.recv(1), b"")
            except ConnectionResetError:
                pass

    def test_a_body_of_100_mb(self):
        before = self.least_memory()
        for header in (b"Content-Length: 104857600", b"Transfer-Encoding: chunked"):
            connection = self.connect()
            try:
                connection.sendall(b"POST /metrics HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n")
                for _ in range(100):
                    connection.sendall(b"%x\r\n" % (1 << 20) + b"x" * (1 << 20) + b"\r\n")
                    self.assertLess(self.memory() - before, ALLOWED)
                self.fail("all of it was read")
            except OSError:  # cut off
                pass
        self.assert_answers()
        self.assertLess(self.memory() - before, ALLOWED)

    def test_an_endless_header(self):
        before = self.least_memory()
        connection = self.connect()
        with self.assertRaises(OSError):
            connection.sendall(b"GET /metrics HTTP/1.1\r\n")
            for _ in range(1000):
                connection.sendall(b"X-Long: " + b"x" * 100000 + b"\r\n")
        self.assertLess(self.memory() - before, ALLOWED)
        self.assert_answers()

    def test_nothing_can_be_changed_over_tcp(self):
        status = self.lab.weir("status", "-o", "json", parse=True)["generation"]
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            for path in ("/metrics", "/healthz", "/v1/reload", "/v1/status", "/"):
                answer = self.ask(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
                self.assertRegex(answer, r"^HTTP/1\.1 40[45] ", (method, path))
        for path in ("/v1/status", "/v1/services", "/v1/edges", "/../metrics"):
            self.assertRegex(self.ask(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()), r"^HTTP/1\.1 404 ", path)
        self.assertRegex(self.ask(b"\x16\x03\x01\x02\x00\x01nonsense\r\n\r\n"), r"^HTTP/1\.1 400 ")
        self.assertEqual(self.lab.weir("status", "-o", "json", parse=True)["generation"], status)

    def test_a_probe_sees_within_5_s_that_the_agent_stands_still(self):
        probe = ("curl", "-sf", "-m", "5", f"http://127.0.0.1:{self.lab.metrics_port}/healthz")
        self.assertEqual(run(*probe), "ok\n")
        os.kill(self.lab.agent.pid, signal.SIGSTOP)
        try:
            started = time.monotonic()
            self.assertEqual(run(*probe, check=False), "")
            self.assertLess(time.monotonic() - started, 6)
        finally:
            os.kill(self.lab.agent.pid, signal.SIGCONT)
        wait_for(lambda: run(*probe, check=False) == "ok\n", "the agent to be well again")

    def test_nothing_but_loopback_by_default(self):
        self.assertRegex(run(BIN + "/weir-agent", "--help"), r"--listen TEXT=127\.0\.0\.1:15090\n")

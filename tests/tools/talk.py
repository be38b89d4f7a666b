#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A protocol of questions and answers whose times and bytes are known exactly, for tests of what weir measures.

  talk.py serve PORT           each question is a line "MS BYTES": sleep so long (and --slower MS), answer so many bytes,
                               or cut the connection off where they are below 0; with --greet the server speaks first
  talk.py ask ADDRESS PORT ... one connection (or --connections N, one after another): --ask "5 100" may be repeated,
                               the list is gone through --times; --burst writes that many questions at once
  talk.py hold ADDRESS PORT    one question, says so, then keeps the connection until stdin ends
  talk.py overlap ADDRESS PORT asks the next question whenever a part of an answer comes: several are on their way
  talk.py again ADDRESS PORT   one question, then connect(AF_UNSPEC), then two to --elsewhere by the same socket

Prints what it saw as JSON: questions, bytes sent and received, and its own p50 and p99 of the time to the first byte.
"""

import argparse
import contextlib
import ctypes
import json
import socket
import struct
import sys
import threading
import time


def answer(connection, greet, slower):
    if greet:
        time.sleep(0.05)
        connection.sendall(b"hello, who are you?\n")
    rest = b""
    with connection:
        while data := connection.recv(65536):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                ms, size = map(float, line.split())
                if size < 0:  # cut off, with the question's successor unread
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                time.sleep((ms + slower) / 1000)
                connection.sendall(b"x" * int(size))


def serve(options):
    listener = socket.create_server(("::", options.port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024)
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=answer, args=(connection, options.greet, options.slower), daemon=True).start()


def read_answers(connection, size):
    """Reads `size` bytes; when the first came, and how many came."""
    data = connection.recv(65536)
    first, got = time.perf_counter(), len(data)
    while data and got < size:
        data = connection.recv(65536)
        got += len(data)
    return first, got


class Asker:
    def __init__(self):
        self.times, self.questions, self.sent, self.received = [], 0, 0, 0

    def ask(self, connection, questions):
        text = "".join(f"{q}\n" for q in questions).encode()
        started = time.perf_counter()
        connection.sendall(text)
        self.questions += len(questions)
        self.sent += len(text)
        size = sum(int(float(q.split()[1])) for q in questions)
        if size <= 0:
            return
        first, got = read_answers(connection, size)
        self.times.append(first - started)
        self.received += got

    def tally(self):
        times = sorted(self.times) or [0]
        return {"questions": self.questions, "sent": self.sent, "received": self.received,
                "p50": times[int(0.5 * (len(times) - 1))], "p99": times[int(0.99 * (len(times) - 1))]}


def connect(options):
    connection = socket.create_connection((options.address, options.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def ask(options):
    asker = Asker()
    for _ in range(options.connections):
        with connect(options) as connection:
            if options.greeted:
                asker.received += len(connection.recv(100))
            for _ in range(options.times):
                for i in range(0, len(options.ask), options.burst):
                    asker.ask(connection, options.ask[i:i + options.burst])
            if options.reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:  # until the server has closed too
                with contextlib.suppress(OSError):  # the server has cut it off
                    connection.shutdown(socket.SHUT_WR)
                    asker.received += len(connection.recv(100))
    print(json.dumps(asker.tally()))


def hold(options):
    asker = Asker()
    with connect(options) as connection:
        asker.ask(connection, options.ask)
        print("holding", flush=True)
        sys.stdin.read()
    print(json.dumps(asker.tally()))


def overlap(options):
    with connect(options) as connection:
        wanted = options.times * int(options.ask[0].split()[1])
        asked = got = 0
        while got < wanted:
            for _ in range(3):
                if asked < options.times:
                    connection.sendall(options.ask[0].encode() + b"\n")
                    asked += 1
                    time.sleep(0.002)
            got += len(connection.recv(500))


def again(options):
    asker = Asker()
    with connect(options) as connection:
        asker.ask(connection, options.ask)
        disconnect(connection.fileno())
        connection.connect((options.elsewhere, 8080))
        asker.ask(connection, options.ask * 2)
    print(json.dumps(asker.tally()))


def disconnect(descriptor):
    unspecified = struct.pack("H14x", socket.AF_UNSPEC)
    if ctypes.CDLL(None, use_errno=True).connect(descriptor, unspecified, len(unspecified)):
        raise OSError(ctypes.get_errno(), "connect(AF_UNSPEC)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(required=True)
    for name, function in (("serve", serve), ("ask", ask), ("hold", hold), ("overlap", overlap), ("again", again)):
        mode = modes.add_parser(name)
        mode.set_defaults(run=function)
        if name != "serve":
            mode.add_argument("address")
        mode.add_argument("port", type=int)
        mode.add_argument("--greet", action="store_true")
        mode.add_argument("--slower", type=float, default=0)
        mode.add_argument("--greeted", action="store_true")
        mode.add_argument("--ask", action="append", default=[])
        mode.add_argument("--times", type=int, default=1)
        mode.add_argument("--burst", type=int, default=1)
        mode.add_argument("--connections", type=int, default=1)
        mode.add_argument("--elsewhere")
        mode.add_argument("--reset", action="store_true")
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()

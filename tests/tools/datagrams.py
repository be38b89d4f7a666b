#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sends datagrams and tells what it sent and received; the other side answers each with one of its own size.

usage: datagrams.py serve PORT…
       datagrams.py ask ADDRESS[,ADDRESS…] PORT [--count N] [--size BYTES] [--connected] [--segment BYTES] [--seconds S]
"""

import argparse
import json
import select
import socket
import time

UDP_SEGMENT = 103  # linux/udp.h


def listen(port):
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    server.bind(("::", port))
    return server


def serve(ports):
    servers = [listen(port) for port in ports]
    print("ready", flush=True)
    while True:
        for server in select.select(servers, [], [])[0]:
            payload, client = server.recvfrom(65536)
            server.sendto(b"a" * (len(payload) // 2 + 3), client)


class Client:
    def __init__(self, args):
        self.args, self.addresses = args, args.address.split(",")
        self.sent, self.received = [0, 0], [0, 0]  # datagrams, bytes
        family = socket.AF_INET6 if ":" in args.address else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.settimeout(10)
        if args.segment:
            self.socket.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, args.segment)
        if args.connected:
            self.socket.connect((args.address, args.port))

    def ask(self, address):
        """One send; what the kernel makes several datagrams of has as many answers."""
        payload = b"q" * self.args.size
        if self.args.connected:
            self.socket.send(payload)
        else:
            self.socket.sendto(payload, (address, self.args.port))
        pieces = -(-self.args.size // self.args.segment) if self.args.segment else 1
        self.sent[0] += pieces
        self.sent[1] += len(payload)
        for _ in range(pieces):
            answer, source = self.socket.recvfrom(65536)
            assert source[:2] == (address, self.args.port), source
            self.received[0] += 1
            self.received[1] += len(answer)

    def run(self):
        turn, end = 0, time.monotonic() + (self.args.seconds or 0)
        while time.monotonic() < end if self.args.seconds else turn < self.args.count:
            self.ask(self.addresses[turn % len(self.addresses)])
            turn += 1
        print(json.dumps({"sent": self.sent, "received": self.received}))


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve").add_argument("ports", type=int, nargs="+")
    ask = commands.add_parser("ask")
    ask.add_argument("address")
    ask.add_argument("port", type=int)
    for name, default in (("count", 100), ("size", 20), ("segment", 0)):
        ask.add_argument("--" + name, type=int, default=default)
    ask.add_argument("--connected", action="store_true")
    ask.add_argument("--seconds", type=float)
    args = parser.parse_args()
    if args.command == "serve":
        serve(args.ports)
    Client(args).run()


if __name__ == "__main__":
    main()

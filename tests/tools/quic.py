# SPDX-License-Identifier: Apache-2.0
"""What QUIC asks of a balancer, without its cryptography: connections with ids that one server knows, numbered
packets, acknowledgements, retransmission, and a stateless reset from a server that does not know the id.
`serve NAME ADDRESS PORT` and `run ADDRESS PORT CONNECTIONS PACKETS connected|unconnected` (prints a tally)."""

import json
import os
import socket
import struct
import sys

HEADER = struct.Struct("!c8sI")  # kind, connection id, packet number
INITIAL, DATA, ACK, RESET = b"I", b"D", b"A", b"R"


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def serve(name, address, port):
    server = socket.socket(family(address), socket.SOCK_DGRAM)
    server.bind((address, int(port)))
    known = set()
    print("ready", flush=True)
    while True:
        packet, source = server.recvfrom(2048)
        kind, cid, number = HEADER.unpack_from(packet)
        if kind == INITIAL:
            known.add(cid)
        answer = ACK if cid in known else RESET
        server.sendto(HEADER.pack(answer, cid, number) + name.encode(), source)


class Connection:
    def __init__(self, address, port, connected):
        self.target, self.connected = (address, port), connected
        self.socket = socket.socket(family(address), socket.SOCK_DGRAM)
        self.socket.settimeout(0.2)
        self.cid, self.servers = os.urandom(8), set()
        self.lost = self.wrong = self.resets = 0
        if connected:
            self.socket.connect(self.target)

    def exchange(self, kind, number):
        """Sends a packet until it is acknowledged. False: the server does not know this connection."""
        for _ in range(20):
            packet = HEADER.pack(kind, self.cid, number) + bytes(1200)
            self.socket.send(packet) if self.connected else self.socket.sendto(packet, self.target)
            try:
                answer, source = self.socket.recvfrom(2048)
            except (TimeoutError, ConnectionRefusedError):
                self.lost += 1
                continue
            got, cid, acked = HEADER.unpack_from(answer)
            self.wrong += source[:2] != self.target or cid != self.cid or acked != number
            if got == RESET:
                self.resets += 1
                return False
            self.servers.add(answer[HEADER.size:].decode())
            return True
        raise TimeoutError("20 packets without an answer")


def run(address, port, connections, packets, mode):
    tally = {"wrong": 0, "lost": 0, "resets": 0, "split": 0, "servers": {}}
    for _ in range(int(connections)):
        one = Connection(address, int(port), mode == "connected")
        number = 0
        while number < int(packets):
            if not one.exchange(DATA if number else INITIAL, number):
                one.cid, number, one.servers = os.urandom(8), 0, set()  # a reset: begin again
                continue
            number += 1
        one.socket.close()
        for name in ("wrong", "lost", "resets"):
            tally[name] += getattr(one, name)
        tally["split"] += len(one.servers) != 1
        for server in one.servers:
            tally["servers"][server] = tally["servers"].get(server, 0) + 1
    print(json.dumps(tally), flush=True)


if __name__ == "__main__":
    {"serve": serve, "run": run}[sys.argv[1]](*sys.argv[2:])

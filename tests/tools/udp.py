# SPDX-License-Identifier: Apache-2.0
"""The two ends of UDP for tests. `serve NAME ADDRESS PORT [no]` answers every datagram with its name and what it
got, or none. `talk STEPS` carries out a list of steps (JSON) on sockets of its own, and prints what each gave: a step
is [operation, socket, arguments...]. Depends on nothing of weir's; errors are errno names."""

import ctypes
import errno
import json
import os
import socket
import sys
import threading
import time

V4, V6 = socket.AF_INET, socket.AF_INET6
LIBC = ctypes.CDLL(None, use_errno=True)


def to_v4(address, port):
    return V4.to_bytes(2, sys.byteorder) + port.to_bytes(2, "big") + socket.inet_aton(address) + bytes(8)


def serve(name, address, port, answers="yes"):
    server = socket.socket(V6 if ":" in address else V4, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    server.bind((address, int(port)))
    print("ready", flush=True)
    while True:
        data, source = server.recvfrom(65536)
        if answers == "yes":
            server.sendto(name.encode() + b" " + data, source)


class Talk:
    def __init__(self):
        self.sockets = {}
        self.seconds = 2 * float(os.environ.get("WEIR_SLOW", "1"))

    def patience(self, seconds):
        """How long the sockets made from now on wait for an answer."""
        self.seconds = seconds

    def socket(self, name, family=4, v6only=None):
        made = socket.socket(V6 if family == 6 else V4, socket.SOCK_DGRAM)
        if v6only is not None:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
        made.settimeout(self.seconds)
        self.sockets[name] = made

    def bind(self, name, address, port=0):
        self.sockets[name].bind((address, port))

    def connect(self, name, address, port):
        self.sockets[name].connect((address, port))

    def connect_v4(self, name, address, port):
        """connect() of an AF_INET6 socket with an AF_INET sockaddr, which Python cannot say."""
        self._call("connect", name, to_v4(address, port), 16)

    def sendto_v4(self, name, address, port, text="x"):
        """sendto() of an AF_INET6 socket with an AF_INET sockaddr."""
        self._call("sendto", name, text.encode(), len(text), 0, to_v4(address, port), 16)

    def disconnect(self, name):
        self._call("connect", name, bytes(16), 16)

    def _call(self, function, name, *arguments):
        if getattr(LIBC, function)(self.sockets[name].fileno(), *arguments) < 0:
            raise OSError(ctypes.get_errno(), function)

    def peer(self, name):
        return self.sockets[name].getpeername()[:2]

    def send(self, name, text="x"):
        self.sockets[name].send(text.encode())

    def sendto(self, name, address, port, text="x"):
        self.sockets[name].sendto(text.encode(), (address, port))

    def recvfrom(self, name):
        data, source = self.sockets[name].recvfrom(65536)
        return data.decode().split(" ", 1) + [list(source[:2])]

    def recv(self, name):
        return self.sockets[name].recv(65536).decode().split(" ", 1)

    def ask(self, name, address, port, text="x"):
        """sendto and recvfrom: who answered, and from which address."""
        self.sendto(name, address, port, text)
        who, _, source = self.recvfrom(name)
        return [who, source]

    def ask_many(self, name, address, port, count):
        """Who answered how often; `wrong`: answers from another address, or to another question."""
        tally = {"wrong": 0, "lost": 0}
        for number in range(count):
            self.sendto(name, address, port, str(number))
            try:
                who, text, source = self.recvfrom(name)
            except TimeoutError:
                tally["lost"] += 1
                continue
            tally[who] = tally.get(who, 0) + 1
            tally["wrong"] += source != [address, port] or text != str(number)
        return tally

    def fresh(self, address, port, count, connected=0):
        """A socket for each question, as resolvers do."""
        tally = {"wrong": 0, "errors": {}}
        for number in range(count):
            with socket.socket(V6 if ":" in address else V4, socket.SOCK_DGRAM) as one:
                one.settimeout(self.seconds)
                self.sockets["fresh"] = one
                try:
                    if connected:
                        one.connect((address, port))
                        one.send(str(number).encode())
                    else:
                        one.sendto(str(number).encode(), (address, port))
                    who, text, source = self.recvfrom("fresh")
                except OSError as error:
                    reason = errno.errorcode.get(error.errno, "timeout")
                    tally["errors"][reason] = tally["errors"].get(reason, 0) + 1
                    continue
                tally[who] = tally.get(who, 0) + 1
                tally["wrong"] += source != [address, port] or text != str(number)
        return tally

    def threads(self, name, address, port, count, threads):
        """Several threads send on one socket; how many datagrams were refused."""
        failed = []

        def run():
            for _ in range(count):
                try:
                    self.sendto(name, address, port)
                except OSError as error:
                    failed.append(errno.errorcode.get(error.errno))
        running = [threading.Thread(target=run) for _ in range(threads)]
        [thread.start() for thread in running]
        [thread.join() for thread in running]
        return failed

    def drain(self, name):
        """Where answers that have come in are from."""
        sources = set()
        self.sockets[name].settimeout(0.3)
        try:
            while True:
                sources.add(tuple(self.recvfrom(name)[2]))
        except TimeoutError:
            return sorted(sources)

    def close(self, name):
        self.sockets.pop(name).close()

    def sleep(self, _, seconds):
        time.sleep(seconds)

    def print(self, _, text):
        print(text, flush=True)

    def wait(self, _):
        """Until a line comes in: the test has done its part."""
        sys.stdin.readline()


def talk(steps):
    talking, results = Talk(), []
    for operation, *arguments in json.loads(steps):
        try:
            results.append(getattr(talking, operation)(*arguments))
        except OSError as error:
            results.append({"errno": errno.errorcode.get(error.errno, "timeout")})
    print(json.dumps(results), flush=True)
    os._exit(0)  # sockets are closed by the kernel, as with a killed program


if __name__ == "__main__":
    {"serve": serve, "talk": talk}[sys.argv[1]](*sys.argv[2:])

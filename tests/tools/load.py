#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Load that does not wait for answers: so many connections a second arrive at random, each asks one question.

  load.py serve PORT NAME          answers each line with its name after --ms; the line "ms N" changes that time for all
                                   that come after; --shape silent: accepts and never answers; reset: after one byte
  load.py ask ADDRESS PORT         --per-second, for --seconds; who was not answered within --patience gives up

Prints what it saw as JSON: answers by name, errors, the p50, p99 and mean of the times in seconds from the moment at
which a connection was due to its answer (who gave up: --patience), and the mean of connect() alone where it succeeded.
"""

import argparse
import asyncio
import collections
import errno
import json
import random
import socket
import struct
import time


class Server:
    def __init__(self, options):
        self.options, self.ms = options, options.ms

    async def talk(self, reader, writer):
        try:
            while line := await reader.readline():
                if line.startswith(b"ms "):
                    self.ms = float(line[3:])
                elif self.options.shape == "silent":
                    continue
                elif self.options.shape == "reset":
                    writer.write(b"x")
                    await writer.drain()
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    break
                else:
                    await asyncio.sleep(self.ms / 1000)
                writer.write(self.options.name.encode() + b"\n")
        except ConnectionError:
            pass
        writer.close()


async def serve(options):
    both = socket.create_server(("::", options.port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024)
    server = await asyncio.start_server(Server(options).talk, sock=both, backlog=1024)
    print("ready", flush=True)
    await server.serve_forever()


class Asker:
    def __init__(self, options):
        self.options, self.times, self.connects = options, [], []
        self.answers, self.errors = collections.Counter(), collections.Counter()

    async def exchange(self):
        begun = time.perf_counter()
        reader, writer = await asyncio.open_connection(self.options.address, self.options.port)
        self.connects.append(time.perf_counter() - begun)
        try:
            writer.write(b"?\n")
            if not (line := await reader.readline()).endswith(b"\n"):
                raise ConnectionResetError(errno.ECONNRESET, "cut off")
            return line.decode().strip()
        finally:
            writer.close()

    async def ask(self, due):
        try:
            self.answers[await asyncio.wait_for(self.exchange(), self.options.patience)] += 1
            self.times.append(time.perf_counter() - due)
        except TimeoutError:
            self.errors["TIMEOUT"] += 1
            self.times.append(self.options.patience)
        except OSError as error:
            self.errors[errno.errorcode.get(error.errno, str(error.errno))] += 1

    async def run(self):
        chance, started, running = random.Random(self.options.seed), time.perf_counter(), set()
        due = started
        while (due := due + chance.expovariate(self.options.per_second)) < started + self.options.seconds:
            if due > time.perf_counter():
                await asyncio.sleep(due - time.perf_counter())
            running.add(task := asyncio.ensure_future(self.ask(due)))
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)
        times = sorted(self.times) or [0]
        print(json.dumps({"answers": self.answers, "errors": self.errors, "n": len(self.times), "p50": times[len(times) // 2],
                          "p99": times[len(times) * 99 // 100], "mean": sum(times) / len(times),
                          "connect": sum(self.connects) / max(1, len(self.connects))}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(dest="mode", required=True)
    server = modes.add_parser("serve")
    server.add_argument("port", type=int)
    server.add_argument("name")
    server.add_argument("--ms", type=float, default=0)
    server.add_argument("--shape", choices=("well", "silent", "reset"), default="well")
    asker = modes.add_parser("ask")
    asker.add_argument("address")
    asker.add_argument("port", type=int)
    asker.add_argument("--per-second", type=float, default=100)
    asker.add_argument("--seconds", type=float, default=1)
    asker.add_argument("--patience", type=float, default=5)
    asker.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    asyncio.run(serve(options) if options.mode == "serve" else Asker(options).run())


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""As many connections as there are places, by several processes on several CPUs at once.

  grab.py ADDRESS PORT --processes P --each N    each process begins N connections as fast as it can and keeps them
  grab.py … --per-second-for S                   connections that end at once, one after another, for so long
  grab.py … --duel ROUNDS                        two processes on two CPUs begin one at the same moment, again and again;
                                                 prints how many rounds had no, one and two winners
  grab.py … --udp unconnected | connected        sockets that send one datagram

Says "held" with what it saw as JSON (held, errors by name), and lets go when its standard input ends.
"""

import argparse
import collections
import errno
import json
import multiprocessing
import os
import socket
import sys
import time


def begin(options):
    family = socket.AF_INET6 if ":" in options.address else socket.AF_INET
    one = socket.socket(family, socket.SOCK_DGRAM if options.udp else socket.SOCK_STREAM)
    try:
        if options.udp == "unconnected":
            one.sendto(b"?", (options.address, options.port))
        else:
            one.connect((options.address, options.port))
    except OSError as error:
        one.close()
        return None, errno.errorcode[error.errno]
    return one, None


def grab(number, options, start, told, let_go):
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[number % len(os.sched_getaffinity(0))]})
    held, errors = [], collections.Counter()
    start.wait()
    for _ in range(options.each):
        one, error = begin(options)
        if one:
            held.append(one)
        else:
            errors[error] += 1
    told.put((len(held), errors))
    let_go.wait()


def rush(options):
    done, errors, end = 0, collections.Counter(), time.monotonic() + options.per_second_for
    while time.monotonic() < end:
        one, error = begin(options)
        if one:
            one.close()
            done += 1
        else:
            errors[error] += 1
    print("held", json.dumps({"held": done, "errors": errors}), flush=True)


def duelist(number, options, shared, told):
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[number]})
    won = []
    for round_ in range(1, options.duel + 1):
        shared[number] = 2 * round_ - 1  # ready
        while shared[1 - number] < 2 * round_ - 1:
            pass
        one, _ = begin(options)
        won.append(one is not None)
        shared[number] = 2 * round_  # done
        while shared[1 - number] < 2 * round_:
            pass
        if one:
            one.close()
    told.put(won)


def duel(options):
    context = multiprocessing.get_context("fork")
    shared, told = context.Array("q", 2, lock=False), context.Queue()
    duelists = [context.Process(target=duelist, args=(number, options, shared, told)) for number in range(2)]
    for one in duelists:
        one.start()
    winners = [sum(pair) for pair in zip(told.get(), told.get())]
    print(json.dumps([winners.count(n) for n in range(3)]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--each", type=int, default=1)
    parser.add_argument("--per-second-for", type=float, default=0)
    parser.add_argument("--duel", type=int, default=0)
    parser.add_argument("--udp", choices=("unconnected", "connected"))
    options = parser.parse_args()
    if options.per_second_for:
        return rush(options)
    if options.duel:
        return duel(options)
    context = multiprocessing.get_context("fork")
    start, told, let_go = context.Event(), context.Queue(), context.Event()
    workers = [context.Process(target=grab, args=(n, options, start, told, let_go)) for n in range(options.processes)]
    for worker in workers:
        worker.start()
    start.set()
    seen = [told.get() for _ in workers]
    print("held", json.dumps({"held": sum(held for held, _ in seen), "errors": sum((errors for _, errors in seen), collections.Counter())}), flush=True)
    sys.stdin.read()
    let_go.set()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main()

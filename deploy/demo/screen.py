# SPDX-License-Identifier: Apache-2.0
"""What the demo shows: one step at a time, with what was checked in it."""

import sys


class Screen:
    """Remembers what was wrong."""

    def __init__(self, once):
        self.once, self.wrong, self.first = once, [], True

    def step(self, title, text):
        if not self.first and not self.once:
            input("\n[Enter]")
        self.first = False
        if sys.stdout.isatty() and not self.once:
            print("\033[2J\033[H", end="")
        print(f"\n=== {title}\n{text}\n", flush=True)

    def show(self, command, output):
        print(f"$ {command}\n{output.rstrip()}\n", flush=True)

    def check(self, what, ok, figures):
        print(f"{'√' if ok else '×'} {what}: {figures}", flush=True)
        if not ok:
            self.wrong.append(what)

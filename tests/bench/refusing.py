# SPDX-License-Identifier: Apache-2.0
"""One of two endpoints refuses, and comes back: what callers see of it through weir, with and without an agent, and through
HAProxy with `observe layer4` in the same rounds; and how soon the endpoint has its whole share again."""

import json
import os
import signal
import sys
import threading
import time

from lab import ROOT, Lab, service_yaml, wait_for
from node import ROUNDS, interleaved
from peers import service_address, start_haproxy

LOAD = os.path.join(ROOT, "tests/tools/load.py")
PER_SECOND, BASE, SLOW_START = 200, 1, 1
SETTINGS = f"    outlierDetection: {{consecutiveFailures: 3, baseEjectionTime: {BASE}s}}\n"
# What HAProxy has for it; its own checks bring a server back.
OBSERVED = "check inter 1s fall 3 rise 1 observe layer4 error-limit 3 on-error mark-down slowstart 1s"


class Two:
    def __init__(self):
        self.lab = Lab()
        self.a, self.b = self.lab.pod("a"), self.lab.pod("b")
        self.serve(self.a)
        self.refusing = self.serve(self.b)
        self.client, proxy = self.lab.pod("client"), self.lab.pod("proxy")
        self.weir, self.random, self.proxy = (service_address(0), 80), (service_address(1), 80), (proxy.ip, 9000)
        self.lab.write_mesh("services:\n" + "".join(
            service_yaml(f"{name}.bench", [address], [self.a.ip, self.b.ip], algorithm=f"{name}, slowStart: {SLOW_START}s") + SETTINGS
            for name, (address, _) in (("round-robin", self.weir), ("random", self.random))))
        self.lab.start_agent()
        start_haproxy(proxy, [self.a.ip, self.b.ip], 8080, options=OBSERVED)

    def serve(self, pod):
        process = pod.start(sys.executable, LOAD, "serve", 8080, pod.name)
        process.first_line("ready")
        return process

    def load(self, target, seconds):
        return json.loads(self.client.run(sys.executable, LOAD, "ask", *target, "--per-second", PER_SECOND, "--seconds", seconds,
                                          "--seed", int.from_bytes(os.urandom(2), "big")))

    def share(self, target):
        answers = self.load(target, 1)["answers"]
        return answers.get("b", 0) / max(1, sum(answers.values()))

    def tries(self):
        return next(r["count"] for r in self.lab.weir("status", "-o", "json", parse=True)["reasons"] if r["name"] == "half_open_try")

    def scenario(self, target, killed):
        """In the middle of it the agent is killed, or not. Healthy is before and after: the machine's speed drifts."""
        wait_for(lambda: self.share(target) > 0.4, "both to have their share", 60)
        healthy = [self.load(target, 2)]
        killer = threading.Timer(0.5, self.lab.kill_agent, [signal.SIGKILL])
        self.refusing.stop()
        if killed:
            killer.start()
        first, before = self.load(target, 1), self.tries()
        out = self.load(target, 4)
        tries = self.tries() - before
        self.refusing, back = self.serve(self.b), time.monotonic()
        wait_for(lambda: self.share(target) > 0.42, "the whole share", 60)
        back = time.monotonic() - back
        healthy.append(self.load(target, 2))
        seen = {"at once": sum(first["errors"].values()), "later": sum(out["errors"].values()) - (tries if target != self.proxy else 0),
                "back": back} | {what: out[what] * 2 / sum(one[what] for one in healthy) for what in ("connect", "mean")}
        if killed:
            self.lab.start_agent()
        return seen


def one_refuses(figures, _):
    two = Two()
    rounds = interleaved({"weir": lambda: two.scenario(two.weir, False), "weir random": lambda: two.scenario(two.random, False),
                          "weir, agent killed": lambda: two.scenario(two.weir, True),
                          "HAProxy observe": lambda: two.scenario(two.proxy, False)}, max(3, ROUNDS // 2))
    for name in rounds[0]:
        values = lambda what, name=name: [r[name][what] for r in rounds]  # noqa: E731
        figures.note(f"1 of 2 refuses, {name}: errors in the first second", "errors", values("at once"))
        figures.note(f"1 of 2 refuses, {name}: mean request / healthy", "ratio", values("mean"))
        if name.startswith("weir"):
            figures.add(f"1 of 2 refuses, {name}: errors after that, less tries", "errors, most of all rounds", max(values("later")), max(values("later")),
                        values("later"), 0, max(values("later")) <= 0)
            figures.value(f"1 of 2 refuses, {name}: mean connect / healthy", "ratio", values("connect"), 1.05)
            # Ejections are in a row: the third one, which lasts three times the base and an eighth, may be on.
            figures.value(f"{name}: whole share after it is back", "s", values("back"), 2 * 3 * BASE * 1.125 + SLOW_START)
        else:
            figures.note(f"1 of 2 refuses, {name}: errors after that", "errors", values("later"))
            figures.note(f"1 of 2 refuses, {name}: mean connect / healthy", "ratio", values("connect"))
            figures.note(f"{name}: whole share after it is back", "s", values("back"))
    two.lab.close()

# SPDX-License-Identifier: Apache-2.0
"""The demo's story: a shop with load on its frontend. Each step is shown, counted by the client, by the servers and by
weir, and checked; a wrong figure makes the exit code 1. Started by deploy/demo.sh."""

import collections
import math
import os
import re
import signal
import sys
import threading
import time

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)) + path for path in ("", "/../lab")]
from lab import SLOW, Lab  # noqa: E402
from pods import ADDRESSES, Shop, gained  # noqa: E402
from screen import Screen  # noqa: E402

SHOPPERS = 4 if SLOW == 1 else 1  # a slow machine has enough to do
PICTURE = """  client -> frontend (2) -> catalog (2) -> Redis
                         -> orders (3)  -> payments (2)
                                        -> PostgreSQL          names: DNS over UDP"""


def request(pod, count):
    """`count` requests to the frontend on as many connections: answers by its instances, and errors."""
    out = pod.run("curl", "-s", "--max-time", f"{10 * SLOW:.0f}", "-H", "Connection: close", "-w", "\\n%{http_code}\\n",
                  f"http://{ADDRESSES['frontend']}/[1-{count}]", check=False)
    answers = collections.Counter(re.findall(r"\((frontend-\d)\)$", out, re.M))
    failed = count - len(re.findall(r"^200$", out, re.M))
    return answers + collections.Counter({"error": failed} if failed else {})


class Load:
    """Shoppers, one request after the other, until stopped; who answered, and what failed."""

    def __init__(self, pod):
        self.pod, self.answers, self.stopped = pod, collections.Counter(), threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(SHOPPERS)]

    def run(self):
        while not self.stopped.is_set():
            self.answers.update(request(self.pod, 10))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    @property
    def total(self):
        return sum(self.answers.values())

    @property
    def errors(self):
        return self.answers["error"]


class Demo:
    def __init__(self, lab, screen):
        self.lab, self.screen, self.shop = lab, screen, Shop(lab)
        self.shop.start()

    def ask(self, seconds, during=lambda: None):
        """Load for so long; the load, and what servers and weir counted meanwhile."""
        served, counted = self.shop.served(), self.shop.counted()
        with Load(self.shop.client) as load:
            time.sleep(seconds * SLOW / 2)
            during()
            time.sleep(seconds * SLOW / 2)
        served, counted = gained(served, self.shop.served()), gained(counted, self.shop.counted())
        served["redis"] -= 1  # redis-cli's own
        return load, served, counted

    def check_counts(self, load, served, counted):
        agree = all(counted.get(name) == count for name, count in served.items())
        self.screen.check("every server's own count is weir's", agree,
                          {name: (count, counted.get(name)) for name, count in served.items()})
        self.screen.check("no request failed", load.errors == 0 and load.total > 0, f"{load.total} requests, {load.errors} errors")

    def share(self, counts, role):
        total = max(sum(counts[name] for name in self.shop.weights[role]), 1)
        return {name: round(counts[name] / total, 3) for name in self.shop.weights[role]}

    def spread(self):
        self.screen.step("1. Every call is steered, with no proxy", f"{SHOPPERS} shoppers for five seconds.\n{PICTURE}")
        load, served, counted = self.ask(5)
        self.screen.show("weir endpoints", self.lab.weir("endpoints").stdout)
        self.check_counts(load, served, counted)
        even = all(abs(part - 0.5) < 0.01 for part in self.share(served, "catalog").values())
        self.screen.check("catalog is spread evenly (round-robin)", even, self.share(served, "catalog"))
        chance = 4 * math.sqrt(2 / 9 / max(load.total, 1))  # of few requests, where a machine is slow
        fair = all(abs(part - 1 / 3) < max(0.135, chance) for part in self.share(served, "orders").values())
        self.screen.check("all orders instances are used (least-connections)", fair, self.share(served, "orders"))

    def reweigh(self):
        self.screen.step("2. Weights change live: 90 to 10", "One file is put into the mesh directory; nothing is restarted.")
        self.shop.weights["catalog"] = {"catalog-1": 90, "catalog-2": 10}
        with Load(self.shop.client) as load:
            time.sleep(1)
            self.screen.show("weir apply mesh.yaml", self.lab.apply(self.shop.mesh()).stdout)
        self.screen.check("0 errors while it changed", load.errors == 0, f"{load.total} requests, {load.errors} errors")
        load, served, counted = self.ask(3)
        self.check_counts(load, served, counted)
        share = self.share(served, "catalog")
        self.screen.check("then 90 to 10", abs(share["catalog-1"] - 0.9) < 0.02, share)

    def scale(self):
        self.screen.step("3. An instance comes and goes", "payments-3 is added and removed again while requests go on.")
        self.lab.pod("payments-3")
        self.shop.weights["payments"]["payments-3"] = 1
        self.shop.start_instance("payments-3")

        def come_and_go():
            self.screen.show("weir apply mesh.yaml", self.lab.apply(self.shop.mesh()).stdout)
            time.sleep(2 * SLOW)
            del self.shop.weights["payments"]["payments-3"]
            self.screen.show("weir apply mesh.yaml", self.lab.apply(self.shop.mesh()).stdout)

        load, _, _ = self.ask(2, come_and_go)
        had = self.shop.lines("payments-3.log", r"\n")
        after, _, _ = self.ask(1)
        self.screen.check("0 errors", load.errors == 0, f"{load.total} requests, {load.errors} errors")
        self.screen.check("payments-3 had its share, and has none now", had > 0.05 * load.total and self.shop.lines("payments-3.log", r"\n") == had,
                          f"{had} requests; {after.total} later ones went to the others")

    def kill(self):
        self.screen.step("4. The agent is killed", "kill -9 under load. The kernel goes on; so do its counters.")

        def dead():
            self.lab.kill_agent(signal.SIGKILL)
            time.sleep(2)
            status = self.lab.weir("status")
            self.screen.show("weir status", status.stdout + status.stderr)

        load, served, counted = self.ask(2, dead)
        self.check_counts(load, served, counted)
        before = self.shop.counted()
        self.shop.start_agent()
        self.screen.show("weir-agent & weir status", self.lab.weir("status").stdout)
        after = self.shop.counted()
        self.screen.check("the next agent adopts what is there", after == before, f"{sum(after.values())} connections counted, as before")

    def find_slow(self):
        self.screen.step("5. One instance is slow: which, and is it the network?",
                         f"payments-2 takes {40 * SLOW:.0f} ms longer than the others. Three commands, no Prometheus.")
        self.shop.make_slow("payments-2")
        before = self.edge("client.shop", "frontend.shop")
        told = {}

        def look():
            for words in (("top", "--once", "--window", f"{2 * SLOW:.0f}s", "--sort", "p99"), ("edges",),
                          ("explain", "orders.shop", "payments.shop", "--window", f"{8 * SLOW:.0f}s")):
                told[words[0]] = self.lab.weir(*words).stdout
                self.screen.show("weir " + " ".join(words), told[words[0]])

        load, served, counted = self.ask(2, look)
        self.shop.make_slow("payments-2", False)
        self.check_counts(load, served, counted)
        after = self.edge("client.shop", "frontend.shop")
        seen = {name: after["counts"][name] - before["counts"][name] for name in ("opened", "closed", "failed")}
        self.screen.check("the shoppers' own count is weir's", seen == {"opened": load.total, "closed": load.total, "failed": 0},
                          f"{load.total} requests, {seen}")
        slow = self.lab.pods["payments-2"].ip + ":8080"
        found = [line for line in told["explain"].splitlines() if "slow: the application" in line]
        self.screen.check("explain names payments-2, and not the network", [line.split()[0] for line in found] == [slow], slow)

    def edge(self, workload, service):
        """Over all endpoints; once nothing is open."""
        while True:
            edges = [e for e in self.lab.weir("edges", service, "-o", "json", parse=True)["items"] if e["workload"] == workload]
            counts = {name: sum(e["counts"][name] for e in edges) for name in ("opened", "closed", "failed", "active")}
            if counts["active"] == 0:
                return {"counts": counts}
            time.sleep(0.05)

    def endure(self):
        self.screen.step("6. One instance refuses, another is 20 times slower",
                         f"orders-3 is stopped and payments-2 takes {40 * SLOW:.0f} ms longer, both under load. orders has outlier detection,\n"
                         "payments goes by least-latency: the shop keeps answering, without a proxy and without a probe.")
        self.shop.algorithms["payments"] = "least-latency"
        self.shop.extra["orders"] = f"    outlierDetection: {{consecutiveFailures: 3, baseEjectionTime: {2 * SLOW:.0f}s}}\n"
        self.screen.show("weir apply mesh.yaml", self.lab.apply(self.shop.mesh()).stdout)
        before = self.events()

        def fail():
            self.shop.instances["orders-3"].stop()
            self.shop.make_slow("payments-2")
            time.sleep(2 * SLOW)
            for words in (("endpoints", "orders.shop"), ("endpoints", "payments.shop", "-o", "wide"), ("top", "--once"),
                          ("flows", "--verdict", "ejected")):
                self.screen.show("weir " + " ".join(words), self.lab.weir(*words).stdout)

        first, _, _ = self.ask(3, fail)
        second, served, _ = self.ask(3)
        tried = self.events()["half_open_try"] - before["half_open_try"]
        errors = first.errors + second.errors
        most = 3 + tried + SHOPPERS
        self.screen.check(f"at most {most} requests failed: 3 found out that it is down, 1 each try since, {SHOPPERS} it had in hand", errors <= most,
                          f"{first.total + second.total} requests, {errors} errors, {tried} tries")
        share = self.share(served, "payments")
        self.screen.check("payments-2 gets few calls while it is slow", share["payments-2"] < 0.2, share)
        self.shop.make_slow("payments-2", False)
        self.shop.start_instance("orders-3")
        deadline = time.monotonic() + 30 * SLOW  # one connect finds that it is well; each ejection in a row lasts longer
        while self.state("orders-3") != "serving" and time.monotonic() < deadline:
            self.ask(1)
        load, served, _ = self.ask(2)
        share = self.share(served, "orders")
        self.screen.check("orders-3 is back by itself", load.errors == 0 and share["orders-3"] > 0.2, (share, f"{load.errors} errors"))

    def state(self, instance):
        ip = self.lab.pods[instance].ip
        return next(e["state"] for name, e in self.lab.endpoints("orders.shop").items() if name.startswith(ip + ":"))

    def events(self):
        return {r["name"]: r["count"] for r in self.lab.weir("status", "-o", "json", parse=True)["reasons"]}

    def leave(self):
        self.screen.step("7. Nothing is left", "The agent stops, weir is uninstalled, and what is left is looked for.")
        with open(f"/proc/{self.lab.agent.pid}/status") as file:
            resident = int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) / 1024
        print(f"The agent has {resident:.1f} MiB resident.\n")
        self.lab.kill_agent(signal.SIGTERM)
        done = self.lab.weir("uninstall", "--verify", check=False)
        self.screen.show("weir uninstall --verify", done.stdout + done.stderr)
        self.screen.check("nothing of weir is left", done.returncode == 0, f"exit code {done.returncode}")

    def run(self):
        self.screen.step("0. A shop on one node", f"{len(self.lab.pods)} pods, each in a namespace and cgroup of its own.\n{PICTURE}")
        self.screen.show("weir services", self.lab.weir("services").stdout)
        for step in (self.spread, self.reweigh, self.scale, self.kill, self.find_slow, self.endure, self.leave):
            step()


def main():
    screen = Screen("--once" in sys.argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell started us with it ignored
    print("== making pods (a network namespace and a cgroup each)", flush=True)
    try:
        with Lab() as lab:
            Demo(lab, screen).run()
    except KeyboardInterrupt:
        print("\nstopped; everything the demo made is removed")
        sys.exit(130)
    print("\n" + (f"wrong: {', '.join(screen.wrong)}" if screen.wrong else "Everything shown is right."))
    sys.exit(1 if screen.wrong else 0)


if __name__ == "__main__":
    main()

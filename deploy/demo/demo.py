# SPDX-License-Identifier: Apache-2.0
"""The demo's story: two web services of two instances each and a Redis behind service addresses, every
instance in a network namespace and cgroup of its own. Each step is shown, counted by the client and by
weir, and checked; a wrong figure makes the exit code 1. Started by deploy/demo.sh."""

import collections
import os
import re
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))
from lab import Lab, service_yaml, wait_for  # noqa: E402

WEB, API, REDIS = "10.96.0.20", "10.96.0.30", "10.96.0.40"
NGINX = """
worker_processes 1; pid {dir}/{name}.pid; error_log {dir}/{name}.err; daemon off; user root;
events {{ worker_connections 1024; }}
http {{ access_log {dir}/{name}.log; server {{ listen 8080 backlog=4096; location / {{ return 200 "{name}\\n"; }} }} }}
"""


class Screen:
    """One step at a time; remembers what was wrong."""

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


class Load:
    """Requests on new connections, one after the other, until stopped; who answered, and what failed."""

    def __init__(self, pod, address):
        self.pod, self.address = pod, address
        self.answers, self.stopped = collections.Counter(), threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.stopped.is_set():
            self.answers += request(self.pod, self.address, 200)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()

    @property
    def errors(self):
        return self.answers["error"]


def request(pod, address, count):
    """`count` requests on as many connections: answers by instance, and "error"."""
    out = pod.run("curl", "-s", "--max-time", "5", "-H", "Connection: close", "-w", "%{http_code}\\n",
                  f"http://{address}/[1-{count}]", check=False)
    lines = out.split()
    answers = collections.Counter(line for line in lines if not re.fullmatch(r"\d{3}", line))
    failed = count - lines.count("200")
    return answers + collections.Counter({"error": failed} if failed else {})


class Demo:
    def __init__(self, lab, screen):
        self.lab, self.screen = lab, screen
        self.client = lab.pod("client")
        self.weights = {"web-1": 1, "web-2": 1}
        for name in ("web-1", "web-2", "api-1", "api-2"):
            self.nginx(name)
        lab.pod("redis").start("redis-server", "--port", 6379, "--bind", "*", "-::*", "--protected-mode", "no", "--save", "",
                               stdout=-3, stderr=-3)

    def nginx(self, name):
        path = f"{self.lab.directory}/{name}.conf"
        with open(path, "w") as file:
            file.write(NGINX.format(dir=self.lab.directory, name=name))
        pod = self.lab.pod(name)
        pod.start("nginx", "-c", path, "-p", self.lab.directory, "-e", f"{self.lab.directory}/{name}.err", stdout=-3, stderr=-3)
        wait_for(lambda: "200" in self.client.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"http://{pod.ip}:8080/",
                                                  check=False), f"{name} to answer")

    def mesh(self):
        ip = lambda name: self.lab.pods[name].ip  # noqa: E731
        return ("services:\n"
                + service_yaml("web.shop", [WEB, "fd00:96::20"], [(ip(n), w) for n, w in self.weights.items()], algorithm="round-robin")
                + service_yaml("api.shop", [API], [ip("api-1"), ip("api-2")])
                + service_yaml("redis.shop", [REDIS], [ip("redis")], port=6379, target=6379)
                + f"workloads:\n  client.shop: {{cgroup: {self.lab.pattern('client')}}}\n")

    def opened(self, service):
        """Connections by instance, as weir counts them."""
        by_ip = {pod.ip: name for name, pod in self.lab.pods.items()}
        return {by_ip.get(e.rsplit(":", 1)[0], e): row["counts"]["opened"] for e, row in self.lab.endpoints(service).items()}

    def logged(self, *names):
        """Requests by instance, as the servers' access logs have them."""
        counts = {}
        for name in names:
            with open(f"{self.lab.directory}/{name}.log") as file:
                counts[name] = len(file.readlines())
        return counts

    def gained(self, before, after):
        return {name: after[name] - before.get(name, 0) for name in after}

    def spread(self):
        self.screen.step("1. Traffic is spread, with no proxy", "A client asks web.shop and api.shop 1,000 times each, on new connections, and Redis 50 times.")
        names = ("web-1", "web-2", "api-1", "api-2")
        logs, counts = self.logged(*names), {**self.opened("web.shop"), **self.opened("api.shop")}
        seen = request(self.client, WEB, 1000) + request(self.client, API, 1000)
        for _ in range(50):
            seen["redis"] += "PONG" in self.client.run("redis-cli", "-h", REDIS, "ping")
        logs = self.gained(logs, wait_for(lambda: sum((now := self.logged(*names)).values()) >= sum(logs.values()) + 2000 and now, "the access logs"))
        counted = self.gained(counts, {**self.opened("web.shop"), **self.opened("api.shop")})
        self.screen.show("weir endpoints", self.lab.weir("endpoints").stdout)
        self.screen.check("the client was answered every time", seen["error"] == 0 and seen["redis"] == 50, dict(seen))
        self.screen.check("web.shop is spread evenly (round-robin)", seen["web-1"] == seen["web-2"] == 500, f"{seen['web-1']} and {seen['web-2']}")
        agree = all(seen[n] == logs[n] == counted[n] for n in names)
        self.screen.check("client, access logs and weir agree", agree, {n: (seen[n], logs[n], counted[n]) for n in names})

    def reweigh(self):
        self.screen.step("2. Weights change live: 90 to 10", "One file is put into the mesh directory; nothing is restarted.")
        self.weights = {"web-1": 90, "web-2": 10}
        with Load(self.client, WEB) as load:
            time.sleep(0.3)
            out = self.lab.apply(self.mesh()).stdout
        self.screen.show("weir apply mesh.yaml", out)
        before, logs = self.opened("web.shop"), self.logged("web-1", "web-2")
        seen = request(self.client, WEB, 1000)
        counted = self.gained(before, self.opened("web.shop"))
        self.screen.check("0 errors while it changed", load.errors == 0, f"{sum(load.answers.values())} requests, {load.errors} errors")
        self.screen.check("then 900 to 100", (seen["web-1"], seen["web-2"]) == (900, 100), dict(seen))
        wait_for(lambda: sum(self.logged("web-1", "web-2").values()) >= sum(logs.values()) + 1000, "the access logs")
        logs = self.gained(logs, self.logged("web-1", "web-2"))
        self.screen.check("client, access logs and weir agree", dict(seen) == counted == logs, {n: (seen[n], logs[n], counted[n]) for n in counted})

    def scale(self):
        self.screen.step("3. An instance comes and goes", "web-3 is added and removed again while requests go on.")
        self.nginx("web-3")
        with Load(self.client, WEB) as load:
            time.sleep(0.3)
            self.weights = {"web-1": 1, "web-2": 1, "web-3": 1}
            self.screen.show("weir apply mesh.yaml", self.lab.apply(self.mesh()).stdout)
            time.sleep(1)
            self.weights = {"web-1": 1, "web-2": 1}
            self.screen.show("weir apply mesh.yaml", self.lab.apply(self.mesh()).stdout)
            time.sleep(0.3)
        after = request(self.client, WEB, 100)
        self.screen.check("0 errors", load.errors == 0, f"{sum(load.answers.values())} requests, {load.errors} errors")
        self.screen.check("web-3 had its share, and has none now", load.answers["web-3"] > 50 and after["web-3"] == 0, dict(load.answers))

    def kill(self):
        self.screen.step("4. The agent is killed", "kill -9 under load. The kernel goes on; so do its counters.")
        before = sum(self.opened("web.shop").values())
        with Load(self.client, WEB) as load:
            time.sleep(0.3)
            self.lab.kill_agent(signal.SIGKILL)
            time.sleep(1)
            status = self.lab.weir("status")
            dead = sum(load.answers.values())
        self.screen.show("weir status", status.stdout + status.stderr)
        total = sum(load.answers.values())
        counted = sum(self.opened("web.shop").values()) - before
        self.screen.check("0 errors without an agent", load.errors == 0 and total > dead > 0, f"{total} requests, {load.errors} errors")
        self.screen.check("weir counted every one", counted == total, f"{counted} counted, {total} asked")
        self.lab.start_agent()
        self.screen.show("weir-agent & weir status", self.lab.weir("status").stdout)
        self.screen.check("the next agent adopts what is there", self.lab.service("web.shop")["counts"]["opened"] >= counted, "counters went on")

    def leave(self):
        self.screen.step("5. Nothing is left", "The agent stops, weir is uninstalled, and what is left is looked for.")
        self.lab.kill_agent(signal.SIGTERM)
        done = self.lab.weir("uninstall", "--verify", check=False)
        self.screen.show("weir uninstall --verify", done.stdout + done.stderr)
        self.screen.check("nothing of weir is left", done.returncode == 0, f"exit code {done.returncode}")

    def run(self):
        self.lab.write_mesh(self.mesh())
        self.lab.start_agent()
        self.screen.step("0. A node with five pods", f"web.shop {WEB}, api.shop {API} and redis.shop {REDIS}; each instance in a namespace and cgroup of its own.")
        self.screen.show("weir services", self.lab.weir("services").stdout)
        for step in (self.spread, self.reweigh, self.scale, self.kill, self.leave):
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

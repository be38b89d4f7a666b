# SPDX-License-Identifier: Apache-2.0
"""A mesh directory of 100 files with 10,000 services and 100,000 endpoints: how long until it is in the kernel, what
it costs, how long a change takes, and what a minute of changes does to connects. Prints a table like the bench.
Started by tests/run.sh scale."""

import os
import random
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, HERE + "/../../deploy/lab", HERE + "/../tools"]
from lab import ROOT, Lab, run, wait_for  # noqa: E402
from node import status  # noqa: E402
from pinned import Table  # noqa: E402
from report import Figures  # noqa: E402

FILES, SERVICES, ENDPOINTS, EDGES = 100, 100, 10, 16384  # files, services of a file, endpoints of a service
CHANGES = int(os.environ.get("WEIR_SCALE_CHANGES", "100"))
CHURN_SECONDS = int(os.environ.get("WEIR_SCALE_SECONDS", "60"))
MANY = 5000


def address(service):
    return f"10.{100 + service // 65536}.{service // 256 % 256}.{service % 256}"


def mesh_file(number, shift=0, changed=1):
    """`shift` moves the first endpoint of the first `changed` services; all are one server's addresses."""
    text = "services:\n"
    for s in range(SERVICES):
        service = number * SERVICES + s
        algorithm = "consistent-hash" if service % 100 == 0 else "round-robin"
        ends = [service * ENDPOINTS + e for e in range(ENDPOINTS)]
        rows = [f"10.{160 + e // 65536}.{e // 256 % 256}.{e % 256}" for e in ends]
        if shift and s < changed:
            rows[0] = f"10.{170 + s // 4}.{shift // 256 % 256}.{shift % 256}"
        text += (f"  s{service}.scale:\n    addresses: [{address(service)}]\n"
                 f"    ports: [{{port: 80, targetPort: 8080}}]\n    balance: {{algorithm: {algorithm}}}\n    endpoints:\n"
                 + "".join(f"      - {{address: {row}}}\n" for row in rows))
    return text


def big_service(third):
    rows = "".join(f"      - {{address: 10.{third}.{e // 250}.{e % 250 + 1}}}\n" for e in range(MANY))
    return f"services:\n  big:\n    addresses: [10.99.0.1]\n    ports: [{{port: 80, targetPort: 8080}}]\n    endpoints:\n{rows}"


def cpu_seconds(pid):
    """Of all its threads, to the nanosecond."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
            total += int(file.read().split()[0])
    return total / 1e9


class Kernel:
    """When something is published, as the kernel's own memory tells."""

    def __init__(self, lab):
        self.memory = Table(lab, "weir_svc_port").memory()

    def time_of(self, change):
        before, began = self.memory[:], time.monotonic()
        change()
        while self.memory[:] == before:
            time.sleep(0.0005)  # looking all the time would slow down what it looks at
            if time.monotonic() - began > 30:
                raise TimeoutError("nothing was published")
        return time.monotonic() - began


def log_count(lab):
    return lab.agent_log().count('"event.action":"mesh-published"')


def cold_start(lab, figures):
    for number in range(FILES):
        lab.write_mesh(mesh_file(number), f"m{number:02}.yaml")
    started = time.monotonic()
    lab.start_agent(wait=False)
    while log_count(lab) == 0:
        time.sleep(0.001)
    figures.value("cold start to kernel, 10,000 services", "s", [time.monotonic() - started], 2)
    wait_for(lab._ready, "the agent to answer", 30)
    figures.value("agent, peak resident", "MiB", [status(lab.agent.pid, "VmHWM") / 1024], 150)
    config = lab.weir("config", "-o", "json", parse=True)
    figures.value("tables", "MiB", [config["bytes"] / 1048576], 64)


def fill_edges(lab, client, figures):
    edges = Table(lab, "weir_edge")
    script = ("import socket\nfor n in range(16384):\n s = socket.socket(); s.settimeout(1)\n"
              " s.connect((f'10.100.{n // 2 // 256 % 256}.{n // 2 % 256}', 80)); s.close()\n")
    client.run(sys.executable, "-c", script)
    rows = len(edges.items())
    figures.note("edges in the table", "rows", [rows])


def idle(lab, figures):
    pid = lab.agent.pid
    used, began = cpu_seconds(pid), time.monotonic()
    time.sleep(20)
    figures.value("idle agent", "% of a core", [(cpu_seconds(pid) - used) / (time.monotonic() - began) * 100], 0.1)


def one_endpoint(lab, kernel, figures):
    pid, times, cpu = lab.agent.pid, [], []
    for change in range(CHANGES):
        text, name, used = mesh_file(change % FILES, change + 1), f"m{change % FILES:02}.yaml", cpu_seconds(pid)
        times.append(kernel.time_of(lambda: lab.write_mesh(text, name)) * 1000)
        time.sleep(0.2)
        cpu.append((cpu_seconds(pid) - used) * 1000)
    p99 = sorted(times)[max(int(len(times) * 0.99) - 1, 0)]
    figures.value("one endpoint changed, file to kernel, p99", "ms", times, 20, p99)
    figures.note("one endpoint changed, CPU of the agent", "ms", cpu)


def write_churn(lab, stop):
    """20 files a second with 50 changed endpoints each."""
    turn, due = 0, time.monotonic()
    while not stop.is_set():
        turn += 1
        lab.write_mesh(mesh_file(turn % 20, turn, 50), f"m{turn % 20:02}.yaml")
        due += 0.05
        time.sleep(max(due - time.monotonic(), 0))
    return turn


def churn(lab, client, figures):
    stop, turns, tallies = threading.Event(), [], []
    writer = threading.Thread(target=lambda: turns.append(write_churn(lab, stop)))
    pid, rng = lab.agent.pid, random.Random(1)
    used, began = cpu_seconds(pid), time.monotonic()
    writer.start()
    while time.monotonic() - began < CHURN_SECONDS:
        service = rng.randrange(20) * SERVICES + rng.randrange(50)
        tallies.append(client.connects(address(service), 80, count=200, threads=2))
    stop.set()
    writer.join()
    spent = time.monotonic() - began
    figures.note("changes while there is churn", "endpoints per second", [turns[0] * 50 / spent])
    figures.note("connects meanwhile", "connects", [sum(sum(t["greeted"].values()) for t in tallies)])
    figures.value("of which failed", "connects", [sum(sum(t["errors"].values()) for t in tallies)], 0)
    figures.value("agent while there is churn", "% of a core", [(cpu_seconds(pid) - used) / spent * 100], 15)


def many_at_once(lab, kernel, figures):
    lab.write_mesh(big_service(176), "big.yaml")
    time.sleep(2)
    times = []
    for turn in range(6):
        times.append(kernel.time_of(lambda: lab.write_mesh(big_service(177 + turn % 2), "big.yaml")))
        time.sleep(2.5)  # the rows that were left become free
    figures.value("5,000 endpoints replaced, file to kernel", "s", times, 1, max(times))


def main():
    lab, figures = Lab(), Figures()
    server, client = lab.pod("server"), lab.pod("client")
    server.run("ip", "route", "add", "local", "10.160.0.0/11", "dev", "lo")
    run("ip", "-n", lab.node, "route", "add", "10.160.0.0/11", "via", server.ip, "dev", f"v{server.number}", "onlink")
    server.serve()
    cold_start(lab, figures)
    fill_edges(lab, client, figures)
    idle(lab, figures)
    kernel = Kernel(lab)
    one_endpoint(lab, kernel, figures)
    churn(lab, client, figures)
    many_at_once(lab, kernel, figures)
    figures.value("agent, resident after all that", "MiB", [status(lab.agent.pid, "VmRSS") / 1024], 150)
    refused = lab.weir("status", "-o", "json", parse=True)["agent"]["refused"]
    figures.value("service ports refused", "service ports", [len(refused)], 0)
    figures.print()
    figures.write(ROOT + "/build/scale.json")
    lab.close()


if __name__ == "__main__":
    main()

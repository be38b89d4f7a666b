# SPDX-License-Identifier: Apache-2.0
"""A mesh directory of 100 files with 10,000 services and 100,000 endpoints: how long until it is in the kernel, what
it costs, and how long one changed endpoint takes. Prints a table like the bench. Started by tests/run.sh scale."""

import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, HERE + "/../../deploy/lab"]
from lab import ROOT, Lab, wait_for  # noqa: E402
from report import Figures  # noqa: E402

FILES, SERVICES, ENDPOINTS = 100, 100, 10  # files, services of a file, endpoints of a service
CHANGES = int(os.environ.get("WEIR_SCALE_CHANGES", "30"))


def mesh_file(number, shift=0):
    """`shift` moves the first endpoint of the first service: one endpoint changed."""
    text = "services:\n"
    for s in range(SERVICES):
        service = number * SERVICES + s
        algorithm = "consistent-hash" if service % 100 == 0 else "round-robin"
        ends = [service * ENDPOINTS + e for e in range(ENDPOINTS)]
        rows = [f"10.{160 + e // 65536}.{e // 256 % 256}.{e % 256}" for e in ends]
        if shift and s == 0:
            rows[0] = f"10.170.{shift // 256}.{shift % 256}"
        text += (f"  s{service}.scale:\n    addresses: [10.{100 + service // 65536}.{service // 256 % 256}.{service % 256}]\n"
                 f"    ports: [{{port: 80, targetPort: 8080}}]\n    balance: {{algorithm: {algorithm}}}\n    endpoints:\n"
                 + "".join(f"      - {{address: {row}}}\n" for row in rows))
    return text


def status(pid, field):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(rf"{field}:\s+(\d+)", file.read())[1])


def cpu_seconds(pid):
    """Of all its threads, to the nanosecond."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
            total += int(file.read().split()[0])
    return total / 1e9


class Published:
    """Reads the agent's log: when each generation was in the kernel."""

    def __init__(self, lab):
        self.lab = lab

    def count(self):
        return self.lab.agent_log().count('"event.action":"mesh-published"')

    def wait(self, before, seconds=60):
        started = time.monotonic()
        while self.count() == before:
            if time.monotonic() - started > seconds:
                raise TimeoutError("no generation came")
            time.sleep(0.0005)


def main():
    lab = Lab()
    for number in range(FILES):
        lab.write_mesh(mesh_file(number), f"m{number:02}.yaml")
    figures = Figures()
    started = time.monotonic()
    lab.start_agent(wait=False)
    published = Published(lab)
    published.wait(0)
    figures.value("cold start to kernel, 10,000 services", "s", [time.monotonic() - started], 2)
    wait_for(lab._ready, "the agent to answer", 30)
    pid = lab.agent.pid
    figures.value("agent, peak resident", "MiB", [status(pid, "VmHWM") / 1024], 150)
    config = lab.weir("config", "-o", "json", parse=True)
    figures.value("tables", "MiB", [config["bytes"] / 1048576], 64)
    before_cpu, began = cpu_seconds(pid), time.monotonic()
    time.sleep(10)
    figures.value("idle agent", "% of a core", [(cpu_seconds(pid) - before_cpu) / (time.monotonic() - began) * 100], 0.1)
    times, cpu = [], []
    for change in range(CHANGES):
        text, before, used = mesh_file(change % FILES, change + 1), published.count(), cpu_seconds(pid)
        began = time.monotonic()
        lab.write_mesh(text, f"m{change % FILES:02}.yaml")
        published.wait(before)
        times.append((time.monotonic() - began) * 1000)
        time.sleep(0.05)
        cpu.append((cpu_seconds(pid) - used) * 1000)
    figures.value("one endpoint changed, file to kernel, p99", "ms", times, 20, sorted(times)[int(len(times) * 0.99) - 1])
    figures.note("one endpoint changed, CPU of the agent", "ms", cpu)
    figures.value("agent, resident after changes", "MiB", [status(pid, "VmRSS") / 1024], 150)
    figures.print()
    figures.write(ROOT + "/build/scale.json")
    lab.close()


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""What a lab is made of: processes that end with it, and pods, each a network namespace and a cgroup."""

import ctypes
import json
import os
import signal
import subprocess
import time

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("WEIR_BIN", ROOT + "/build/release/bin")


def run(*words, check=True, **options):
    """A command's standard output; raises with its standard error when it fails."""
    done = subprocess.run(words, text=True, capture_output=True, **options)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def cgroup2_mount():
    with open("/proc/self/mounts") as mounts:
        for line in mounts:
            fields = line.split()
            if fields[2] == "cgroup2":
                return fields[1]
    raise RuntimeError("no cgroup2 is mounted")


# How much slower than a machine this one is, such as an emulated one: what is waited for takes so much longer.
SLOW = float(os.environ.get("WEIR_SLOW", "1"))


# A machine that others use, too, stands still for seconds at times. How soon something happens is a figure of the bench.
PATIENCE = 45.0


def wait_for(condition, what, seconds=PATIENCE):
    seconds = max(seconds, PATIENCE) * SLOW
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(0.01)


def wait_until_equal(look, wanted, what, seconds=PATIENCE):
    """Says what was seen last when it never is."""
    seen = []

    def equal():
        seen[:] = [look()]
        return seen == [wanted]
    try:
        wait_for(equal, what, seconds)
    except TimeoutError as error:
        raise AssertionError(f"{error}: {wanted} was to come, {seen[0]} is there") from None


class Process(subprocess.Popen):
    """A process whose output is kept, and that ends with its lab."""

    def stop(self, number=signal.SIGTERM, seconds=10):
        if self.poll() is None:
            self.send_signal(number)
        out, err = self.communicate(timeout=seconds * SLOW)
        return out

    def first_line(self, wanted):
        line = self.stdout.readline()
        if not line.startswith(wanted):
            raise RuntimeError(f"{self.args}: said {line!r}{self.stderr.read() if self.stderr else ''}")
        return line


class Pod:
    def __init__(self, lab, name, number):
        self.lab, self.name, self.number = lab, name, number
        self.netns = f"{lab.id}-{name}"
        self.ip = f"10.77.{number // 250}.{number % 250 + 1}"
        self.ip6 = f"fd77::{number + 1:x}"
        self.cgroup = lab.make_cgroup(name)
        self._network()

    def _network(self):
        ns, node, host = self.netns, self.lab.node, f"v{self.number}"
        run("ip", "netns", "add", ns)
        self.lab.namespaces.append(ns)
        run("ip", "link", "add", "eth0", "netns", ns, "type", "veth", "peer", "name", host, "netns", node)
        script = f"""set -e
ip -n {ns} link set lo up; ip -n {ns} link set eth0 up; ip -n {node} link set {host} up
ip -n {ns} addr add {self.ip}/32 dev eth0; ip -n {ns} addr add {self.ip6}/128 dev eth0 nodad
ip -n {ns} route add 169.254.1.1 dev eth0; ip -n {ns} route add default via 169.254.1.1 dev eth0
ip -n {node} addr add fe80::1/64 dev {host} nodad
ip -n {ns} -6 route add default via fe80::1 dev eth0
ip -n {node} route add {self.ip} dev {host}; ip -n {node} -6 route add {self.ip6} dev {host}
"""
        run("sh", "-c", script)
        self.sysctl("net.ipv4.ip_local_port_range", "10000 65000")
        self.sysctl("net.ipv4.tcp_tw_reuse", "1")
        self.sysctl("net.core.somaxconn", "4096")

    def sysctl(self, name, value):
        self.lab.in_netns(self.netns, lambda: self.lab.write_sysctl(name, value))

    def _enter(self, cgroup):
        # A new session: Ctrl-C ends the lab, and the lab ends this.
        os.setsid()
        with open(cgroup + "/cgroup.procs", "w") as procs:
            procs.write("0")
        fd = os.open("/run/netns/" + self.netns, os.O_RDONLY)
        if LIBC.setns(fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        os.close(fd)

    def start(self, *words, cgroup=None, **options):
        """Starts a process in the pod, its output in pipes; in another cgroup than the pod's where one is named."""
        settings = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
        process = Process([str(w) for w in words], preexec_fn=lambda: self._enter(cgroup or self.cgroup), **{**settings, **options})
        self.lab.processes.append(process)
        return process

    def run(self, *words, check=True, timeout=120, **options):
        process = self.start(*words, **options)
        out, err = process.communicate(timeout=timeout * SLOW)
        if check and process.returncode:
            raise RuntimeError(f"{' '.join(map(str, words))} exits {process.returncode}: {err or out}")
        return out

    def serve(self, port=8080, name=None, address=None):
        """weir-peer's server: greets with its name, and echoes."""
        process = self.start(BIN + "/weir-peer", "serve", address or "::", port, name or self.name)
        process.first_line("ready")
        return process

    def peer(self, mode, address, port, **options):
        words = [w for key, value in options.items() for w in ("--" + key.replace("_", "-"), value)]
        return json.loads(self.run(BIN + "/weir-peer", mode, address, port, *words).splitlines()[-1])

    def connects(self, address, port, count=1, threads=1, **options):
        return self.peer("connects", address, port, count=count, threads=threads, **options)

    def probe(self, address, port, **options):
        return self.peer("probe", address, port, **options)

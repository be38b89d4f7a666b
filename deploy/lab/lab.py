# SPDX-License-Identifier: Apache-2.0
"""A node in miniature: pods (a network namespace and a cgroup each, joined by routes), and weir at a
cgroup of its own. For the demo, the e2e tests and the bench. Everything it makes has the lab's id in
its name and goes away with close(), also after a failure or Ctrl-C."""

import atexit
import glob
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from pod import BIN, CLONE_NEWNET, LIBC, ROOT, SLOW, Pod, Process, cgroup2_mount, run, wait_for, wait_until_equal  # noqa: F401



class Lab:
    def __init__(self):
        self.id = "w" + "".join(random.choice("0123456789abcdef") for _ in range(5))
        self.mount = cgroup2_mount()
        self.namespaces, self.processes, self.pods, self.cgroups, self.agent = [], [], {}, [], None
        self.expected_failures = set()  # of the agent's upkeep, as its log names them
        self.directory = tempfile.mkdtemp(prefix=f"weir-{self.id}-", dir="/tmp")
        atexit.register(self.close)
        with open(self.directory + "/pid", "w") as file:
            file.write(str(os.getpid()))
        self.cgroup = f"{self.mount}/{self.id}"
        os.mkdir(self.cgroup)
        self.cgroups.append(self.cgroup)
        self.bpffs = self.directory + "/bpffs"
        os.mkdir(self.bpffs)
        run("mount", "-t", "bpf", "bpf", self.bpffs)
        self.mesh, self.state = self.directory + "/mesh.d", self.directory + "/state"
        self.config = self.directory + "/agent.yaml"  # of this lab, not the machine's
        self.write_config(f"udp: {{idle: {30 * SLOW:.0f}s}}\n" if SLOW != 1 else "")  # idle, not slow
        os.mkdir(self.mesh)
        self.socket = self.directory + "/agent.sock"
        self.metrics_port = free_port()
        self.node = self.id + "-node"
        run("ip", "netns", "add", self.node)
        self.namespaces.append(self.node)
        run("ip", "-n", self.node, "link", "set", "lo", "up")
        run("ip", "-n", self.node, "addr", "add", "169.254.1.1/32", "dev", "lo")
        for name, value in (("net.ipv4.ip_forward", "1"), ("net.ipv6.conf.all.forwarding", "1"),
                            ("net.ipv4.conf.all.rp_filter", "0")):
            self.in_netns(self.node, lambda n=name, v=value: self.write_sysctl(n, v))

    @staticmethod
    def write_sysctl(name, value):
        with open("/proc/sys/" + name.replace(".", "/"), "w") as file:
            file.write(value)

    def in_netns(self, name, function):
        """Runs a function in a child process inside a network namespace."""
        pid = os.fork()
        if pid == 0:
            try:
                fd = os.open("/run/netns/" + name, os.O_RDONLY)
                status = 1 if LIBC.setns(fd, CLONE_NEWNET) else 0
                if status == 0:
                    function()
            except BaseException:
                status = 1
            os._exit(status)
        if os.waitpid(pid, 0)[1]:
            raise RuntimeError(f"could not run in namespace {name}")

    def node_route(self, network, pod):
        """A route of the node to a pod; to be run in the node's namespace."""
        run("ip", "route", "add", network, "dev", f"v{pod.number}")

    def start_on_host(self, cgroup, *words):
        """A process in one of the lab's cgroups and in the machine's own network: for traffic on loopback only."""
        def enter():
            os.setsid()
            with open(cgroup + "/cgroup.procs", "w") as procs:
                procs.write("0")

        process = Process([str(w) for w in words], preexec_fn=enter, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, stdin=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def make_cgroup(self, name):
        path = f"{self.cgroup}/{name}"
        os.mkdir(path)
        self.cgroups.append(path)
        return path

    def unsteered_cgroup(self):
        """A cgroup beside the lab's, where weir is not attached."""
        path = self.cgroup + "-unsteered"
        if path not in self.cgroups:
            os.mkdir(path)
            self.cgroups.append(path)
        return path

    def pattern(self, name):
        """A pod's cgroup as a mesh file names it."""
        return f"{self.id}/{name}"

    def pod(self, name):
        if name not in self.pods:
            self.pods[name] = Pod(self, name, len(self.pods) + 1)
        return self.pods[name]

    # -- weir ------------------------------------------------------------------------------------

    def flags(self):
        return ["--config", self.config, "--mesh", self.mesh, "--state", self.state, "--bpffs", self.bpffs, "--socket", self.socket,
                "--cgroup", self.cgroup]

    def start_agent(self, *extra, binary=None, wait=True, prefix=(), environment=None):
        with open(f"{self.directory}/agent.log", "a") as log:
            self.agent = subprocess.Popen(
                [*prefix, binary or BIN + "/weir-agent", *self.flags(), "--listen", f"127.0.0.1:{self.metrics_port}", *extra],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
                env={**os.environ, **(environment or {})})
        if wait:
            wait_for(self._ready, "the agent to answer", 20)
        return self.agent

    def _ready(self):
        if self.agent.poll() is not None:
            raise RuntimeError(f"weir-agent exits {self.agent.returncode}: {self.agent_log()[-2000:]}")
        return self.weir("status", "-o", "json", check=False, parse=True, need_agent=True)

    def agent_log(self):
        with open(f"{self.directory}/agent.log") as file:
            return file.read()

    def kill_agent(self, number=signal.SIGKILL):
        if self.agent and self.agent.poll() is None:
            self.agent.send_signal(number)
            self.agent.wait(10)
        code, self.agent = (self.agent.returncode if self.agent else None), None
        return code

    def weir(self, *words, check=True, parse=False, need_agent=False):
        done = subprocess.run([BIN + "/weir", words[0], *self.flags(), *words[1:]], text=True, capture_output=True)
        if check and done.returncode:
            raise RuntimeError(f"weir {' '.join(words)} exits {done.returncode}: {done.stderr or done.stdout}")
        if not parse:
            return done
        if done.returncode:
            return None
        document = json.loads(done.stdout)
        return document if not need_agent or document.get("agentRunning") else None

    def weir_start(self, *words):
        """A command that goes on until it is told to end."""
        self.processes.append(Process([BIN + "/weir", words[0], *self.flags(), *words[1:]], text=True, stdout=-1, stderr=-1))
        return self.processes[-1]

    def write_config(self, text):
        with open(self.config, "w") as file:
            file.write(text)

    def write_mesh(self, text, name="mesh.yaml"):
        """Writes a mesh file as an editor does: beside it, then renamed over it."""
        path = f"{self.mesh}/{name}"
        with open(path + ".tmp", "w") as file:
            file.write(text)
        os.rename(path + ".tmp", path)
        return path

    def apply(self, text, name="mesh.yaml"):
        """Writes a mesh file with `weir apply` and waits until the kernel has it."""
        path = f"{self.directory}/{name}"
        with open(path, "w") as file:
            file.write(text)
        return self.weir("apply", path)

    def endpoints(self, service):
        """Counts by endpoint, as `weir endpoints` has them."""
        items = self.weir("endpoints", "-o", "json", parse=True)["items"]
        return {item["endpoint"]: item for item in items if item["service"] == service}

    def service(self, name, port=None):
        for item in self.weir("services", "-o", "json", parse=True)["items"]:
            if item["name"] == name and port in (None, item["port"]):
                return item
        return None

    def metrics(self):
        with socket.create_connection(("127.0.0.1", self.metrics_port), 10) as connection:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            data = b""
            while chunk := connection.recv(65536):
                data += chunk
        return data.decode().split("\r\n\r\n", 1)[1]

    # -- the end ---------------------------------------------------------------------------------

    def failed_upkeep(self):
        """What the agent could not do of what it does every second, unless the lab's user has provoked it."""
        if not os.path.exists(f"{self.directory}/agent.log"):
            return []
        return [line for line in self.agent_log().splitlines()
                if "weir tries again every second" in line and json.loads(line)["event.action"] not in self.expected_failures]

    def close(self):
        atexit.unregister(self.close)
        self.kill_agent()
        failed = self.failed_upkeep()
        for path in self.cgroups:  # also what processes left behind, such as nginx's workers
            try:
                with open(path + "/cgroup.kill", "w") as file:
                    file.write("1")
            except OSError:
                pass
        for process in self.processes:
            process.kill()  # those in no pod
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream:
                    stream.close()
        if os.path.ismount(self.bpffs):
            subprocess.run([BIN + "/weir", "uninstall", *self.flags()], capture_output=True)
            subprocess.run(["umount", self.bpffs])
        for name in self.namespaces:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        for path in reversed(self.cgroups):
            remove_cgroup(path)
        shutil.rmtree(self.directory, ignore_errors=True)
        if failed:
            raise RuntimeError("the agent failed at its upkeep: " + "\n".join(failed[:5]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def sweep():
    """Removes what labs left behind whose process was killed before it could clean up."""
    for file in glob.glob("/tmp/weir-w?????-*/pid"):
        directory = os.path.dirname(file)
        with open(file) as text:
            if os.path.exists(f"/proc/{text.read()}"):
                continue
        name = os.path.basename(directory).split("-")[1]
        for cgroup in (name, name + "-unsteered"):
            remove_cgroup(f"{cgroup2_mount()}/{cgroup}", kill=True)
        subprocess.run(["umount", directory + "/bpffs"], capture_output=True)
        for namespace in os.listdir("/run/netns") if os.path.isdir("/run/netns") else []:
            if namespace.startswith(name + "-"):
                subprocess.run(["ip", "netns", "del", namespace])
        shutil.rmtree(directory, ignore_errors=True)


def remove_cgroup(path, kill=False):
    if kill and os.path.exists(path + "/cgroup.kill"):
        with open(path + "/cgroup.kill", "w") as file:
            file.write("1")
    for _ in range(200):
        try:
            for entry in os.scandir(path):
                if entry.is_dir(follow_symlinks=False):
                    remove_cgroup(entry.path)
            os.rmdir(path)
            return
        except FileNotFoundError:
            return
        except OSError:  # a process is still on its way out
            time.sleep(0.01)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def service_yaml(name, addresses, endpoints, port=80, target=8080, algorithm="random", protocol="TCP"):
    """One service; endpoints are addresses, (address, weight) or (address, weight, "zone: a, labels: {version: v1}")."""
    rows = [(e if isinstance(e, tuple) else (e, 1)) + ("",) for e in endpoints]
    listed = "".join(f'\n      - {{address: "{a}", weight: {w}{more and ", " + more}}}' for a, w, more, *_ in rows) or " []"
    quoted = ", ".join(f'"{a}"' for a in addresses)
    return (f"  {name}:\n    addresses: [{quoted}]\n    ports: [{{port: {port}, targetPort: {target}, protocol: {protocol}}}]\n"
            f"    endpoints:{listed}\n    balance: {{algorithm: {algorithm}}}\n")


if __name__ == "__main__":
    sweep()

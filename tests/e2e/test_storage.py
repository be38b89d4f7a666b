# SPDX-License-Identifier: Apache-2.0
"""A caller whose socket storage is refused: steered, opened is counted, active is not, and it is said. A
service that needs its connections tracked refuses instead."""

import json
import os
import signal
import unittest

from case import BIN, VIP, LabCase, run
from lab import remove_cgroup
from pinned import SETTINGS, pins_of


class RefusedStorage(LabCase):
    def connects_without_storage(self, count):
        # optmem is what socket storage is charged to; it is per namespace since 6.7, so only the pod's shrinks.
        if "optmem_max" not in self.client.run("ls", "/proc/sys/net/core"):
            self.skipTest("net.core.optmem_max per network namespace (kernel 6.7)")
        with open("/proc/sys/net/core/optmem_max") as file:
            machine = file.read()
        self.client.sysctl("net.core.optmem_max", "64")
        tally = self.client.connects(VIP, 80, count=count, check_peer=0)
        self.client.sysctl("net.core.optmem_max", "131072")
        with open("/proc/sys/net/core/optmem_max") as file:
            self.assertEqual(file.read(), machine, "the machine's own limit was changed")
        return tally

    def test_refused_where_the_service_needs_tracking(self):
        # Nothing in the mesh file asks for it yet (limits, policy and failover will): the flag is put into the row.
        pin = f"{pins_of(self.lab)}/maps/weir_svc_port"
        row = json.loads(run("bpftool", "-j", "map", "lookup", "pinned", pin, "key", "0", "0", "0", "0"))["value"]
        for settings in (SETTINGS, SETTINGS + (len(row) - SETTINGS) // 2):
            row[settings + 14] = "0x01"
        run("bpftool", "map", "update", "pinned", pin, "key", "0", "0", "0", "0", "value", *row)
        before = self.settled()
        self.assertEqual(self.connects_without_storage(5)["errors"], {"ENOBUFS": 5})
        self.assert_clean(self.client.connects(VIP, 80, count=5))  # a socket with storage is served
        after = self.settled()
        self.assertEqual(after["opened"] - before["opened"], 10)
        self.assertEqual(after["failed"] - before["failed"], 5)
        self.assertIn("5 connects refused: no socket storage, and the service needs it", self.lab.weir("status").stdout)
        for settings in (SETTINGS, SETTINGS + (len(row) - SETTINGS) // 2):
            row[settings + 14] = "0x00"
        run("bpftool", "map", "update", "pinned", pin, "key", "0", "0", "0", "0", "value", *row)

    def test_steered_and_counted_as_untracked(self):
        before = self.settled()
        tally = self.connects_without_storage(20)
        self.assertEqual(tally["errors"], {})
        self.assertEqual(tally["greeted"], {"a": 10, "b": 10})
        after = self.settled()
        self.assertEqual(after["opened"] - before["opened"], 20)
        self.assertEqual(after["untracked"] - before["untracked"], 20)
        self.assertEqual(after["closed"], before["closed"])
        self.assertEqual(after["active"], 0)
        status = self.lab.weir("status").stdout
        self.assertIn("20 connects steered without socket storage", status)
        self.assertIn("‼ no connects steered without socket storage", self.lab.weir("check").stdout)


def memory_cgroups():
    """Where those of their own hierarchy are, or of cgroup2; and what says how much kernel memory one has."""
    with open("/proc/self/mounts") as file:
        mounts = [line.split()[1:4] for line in file]
    for path, kind, options in mounts:
        if kind == "cgroup" and "memory" in options.split(","):
            return path, "memory.kmem.usage_in_bytes"
    return next(path for path, kind, _ in mounts if kind == "cgroup2"), "memory.stat"


class Charged(LabCase):
    """Memory of open connections is not the agent's: its limit would end it, and each connect would pay for the accounting."""

    HELD = 5000

    @classmethod
    def setUpClass(cls):
        root, cls.usage = memory_cgroups()
        if cls.usage == "memory.stat":
            cls.count_memory(root + "/cgroup.subtree_control")
        cls.memory = f"{root}/weir-test-{os.getpid()}"
        os.mkdir(cls.memory)
        cls.addClassCleanup(remove_cgroup, cls.memory)  # the last: an agent is in it
        super().setUpClass()
        for server in (cls.a_server, cls.b_server):
            run("prlimit", "--pid", str(server.pid), "--nofile=20000")
        cls.restart()

    @classmethod
    def count_memory(cls, control):
        """Of cgroups below the root; until the tests end, where the machine does not."""
        def write(word):
            with open(control, "w") as file:
                file.write(word)

        with open(control) as file:
            if "memory" not in file.read().split():
                write("+memory")
                cls.addClassCleanup(write, "-memory")

    @classmethod
    def restart(cls, *prefix):
        """An agent of that cgroup, whose tables are new."""
        cls.lab.kill_agent(signal.SIGTERM)
        cls.lab.weir("uninstall")
        cls.lab.start_agent(prefix=["sh", "-c", f"echo $$ > {cls.memory}/cgroup.procs; exec \"$@\"", "sh", *prefix])

    def kernel_memory(self):
        with open(f"{self.memory}/{self.usage}") as file:
            text = file.read()
        return int(text) if text.strip().isdigit() else next(int(line.split()[1]) for line in text.splitlines() if line.startswith("slab "))

    def grows(self):
        """By how much, for a connection that is open."""
        before = self.kernel_memory()
        held = self.client.start("prlimit", "--nofile=20000", BIN + "/weir-peer", "hold-many", VIP, 80, "--count", self.HELD)
        held.first_line("holding")
        grown = (self.kernel_memory() - before) / self.HELD
        self.assertEqual(self.totals()["active"], self.HELD)
        held.stop()
        self.settled()
        return grown

    def test_it_is_charged_to_nobody(self):
        self.assertLess(self.grows(), 100)  # bytes; the kernel's own rows of one are more than 300
        self.assertEqual(self.lab.weir("status", "-o", "json", parse=True)["agent"]["lostFeatures"], [])

    def test_where_that_is_refused_it_is_the_agents_and_said(self):
        self.addCleanup(self.restart)
        root = os.path.dirname(self.memory)
        # In a mount namespace of its own where the root's list of processes cannot be written.
        self.restart("unshare", "--mount", "sh", "-c", f"mount --bind -o ro {root}/cgroup.procs {root}/cgroup.procs; exec \"$@\"", "sh")
        lost = self.lab.weir("status", "-o", "json", parse=True)["agent"]["lostFeatures"]
        self.assertEqual(len(lost), 1)
        self.assertRegex(lost[0], f"^memory: .* is charged to the agent's memory cgroup, .*: cannot write {root}/cgroup.procs: Read-only file system")
        self.assertIn("give it no memory limit", self.lab.weir("check", check=False).stdout)
        self.assertIn("feature-incomplete", self.lab.agent_log())
        self.assertGreater(self.grows(), 200)


if __name__ == "__main__":
    unittest.main()

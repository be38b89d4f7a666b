# SPDX-License-Identifier: Apache-2.0
"""What happens to a node: upgrades, signals, full disks, memory that runs out, mounts and cgroups that go away. Traffic
goes on as the README's table says, and what is missing is said."""

import json
import os
import signal
import subprocess
import time
import unittest

from case import BIN, VIP, Background, LabCase, run, wait_for
from pinned import pins_of
from lab import remove_cgroup

MEMORY_V1 = "/sys/fs/cgroup/memory"


class LongConnections(LabCase):
    HELD = 200

    def hold(self, count, address, port, cgroup=None):
        process = self.client.start(BIN + "/weir-peer", "hold", address, port, "--interval", "100", "--count", count,
                                    cgroup=cgroup)
        process.first_line("holding")
        return process

    def upgrade(self, turn):
        self.lab.kill_agent(signal.SIGTERM if turn % 2 else signal.SIGKILL)
        self.lab.start_agent(binary=f"{BIN}/weir-agent{'' if turn % 2 else '-next'}")

    def test_200_connections_notice_nothing_of_all_this(self):
        before = self.settled()
        held = self.hold(self.HELD, VIP, 80)
        # The same past weir: what the machine itself adds.
        control = self.hold(100, self.a.ip, 8080, cgroup=self.lab.unsteered_cgroup())
        with Background(self.client) as load:
            for turn in range(20):
                self.upgrade(turn)
            self.lab.apply(self.mesh_of([self.b.ip]))
            self.lab.apply(self.mesh())
            run("bpftool", "link", "detach", "pinned", f"{pins_of(self.lab)}/links/weir_sockops")
            wait_for(lambda: "hooks-reattached" in self.lab.agent_log(), "the hook to be attached again", 2)
            self.lab.agent.send_signal(signal.SIGSTOP)
            time.sleep(10)
            self.lab.agent.send_signal(signal.SIGCONT)
        wait_for(self.lab._ready, "the agent to answer again")
        self.assertEqual((load.errors, load.wrong_peer), ({}, 0))
        # The last of the load's are seen to end a moment after the client's close().
        wait_for(lambda: self.totals()["active"] == self.HELD, f"{self.HELD} to be active")
        seen, machine = json.loads(held.stop().splitlines()[-1]), json.loads(control.stop().splitlines()[-1])
        self.assertEqual(seen["errors"], 0)
        self.assertGreater(seen["echoes"], self.HELD * 100)
        self.assertLess(seen["longest_us"], max(50_000, 3 * machine["longest_us"]), machine)
        after = self.settled()
        # All but the moment without sock_ops: ends of connections are seen at close() then.
        self.assertEqual(after["opened"] - before["opened"], load.total + self.HELD)


class Mounts(LabCase):
    def pins(self):
        return sorted(os.listdir(pins_of(self.lab) + "/maps") + os.listdir(pins_of(self.lab) + "/links"))

    def test_bpffs_is_mounted_anew(self):
        self.lab.expected_failures.add("hooks-lost")
        pins, before = self.pins(), self.settled()
        with Background(self.client) as load:
            run("umount", "-l", self.lab.bpffs)
            wait_for(lambda: "hooks-lost" in self.lab.agent_log(), "the loss to be said", 3)
            self.assertIn("no bpf file system is mounted", self.lab.agent_log())
            self.assert_upkeep_is_shown("hooks", "no bpf file system is mounted")
            run("mount", "-t", "bpf", "bpf", self.lab.bpffs)
            wait_for(lambda: os.path.isdir(pins_of(self.lab) + "/links") and self.pins() == pins, "the pins", 3)
            wait_for(lambda: "hooks-reattached" in self.lab.agent_log(), "the repair to be said", 3)
            self.lab.kill_agent()  # what is pinned now is what the kernel goes on with
            time.sleep(0.5)
            self.lab.start_agent()
        self.assertEqual((load.errors, load.wrong_peer), ({}, 0))
        self.assertEqual(self.settled()["opened"] - before["opened"], load.total)
        self.assertEqual(self.lab.weir("check", check=False).returncode, 0)

    def assert_upkeep_is_shown(self, task, error):
        """While it fails; and that it succeeds again is seen by `weir check`, and said."""
        self.assertIn(error, next(t["error"] for t in self.lab.weir("status", "-o", "json", parse=True)["agent"]["upkeep"] if t["task"] == task))
        self.assertRegex(self.lab.weir("status").stdout, f"ERROR +{task}: .*{error}")
        self.assertRegex(self.lab.weir("check", check=False).stdout, f"its upkeep succeeds\n.*{task}: .*{error}")
        self.assertRegex(self.lab.metrics(), f'weir_upkeep_failures_total{{task="{task}"}} [1-9]')
        self.assertIn('weir_upkeep_failures_total{task="tidy"} 0\n', self.lab.metrics())

    def test_the_pins_are_removed(self):
        pins = self.pins()
        with Background(self.client) as load:
            for kind in ("links", "maps"):
                for name in os.listdir(f"{pins_of(self.lab)}/{kind}"):
                    os.unlink(f"{pins_of(self.lab)}/{kind}/{name}")
            wait_for(lambda: self.pins() == pins, "the pins", 3)
        self.assertEqual((load.errors, load.wrong_peer), ({}, 0))


class Disk(LabCase):
    def test_a_full_disk_under_the_saved_state(self):
        self.lab.kill_agent()
        run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", self.lab.state)
        self.addCleanup(subprocess.run, ["umount", "-l", self.lab.state])
        self.lab.start_agent()
        ballast = self.lab.state + "/ballast"
        with open(ballast, "wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:  # no space left
                pass
        error = lambda: self.lab.weir("status", "-o", "json", parse=True)["agent"]["saveError"]  # noqa: E731
        with Background(self.client) as load:
            self.lab.apply(self.mesh_of([self.b.ip]))
            self.assertIn("No space left on device", wait_for(error, "the error in status", 3))
            self.assertEqual(self.client.connects(VIP, 80, count=20)["greeted"], {"b": 20})
            os.unlink(ballast)
            wait_for(lambda: error() == "", "the state to be saved", 3)
        self.assertEqual((load.errors, load.wrong_peer), ({}, 0))
        self.assertFalse([name for name in os.listdir(self.lab.state + "/files") if name.endswith(".new")])
        self.lab.write_mesh("services: [\n")
        self.lab.kill_agent()
        self.lab.start_agent()
        self.assertEqual(self.client.connects(VIP, 80, count=20)["greeted"], {"b": 20})


class Memory(LabCase):
    def limited(self):
        """A memory cgroup of 30 MB, of whichever kind this machine has."""
        if os.path.isdir(MEMORY_V1):
            path = f"{MEMORY_V1}/{self.lab.id}"
            os.makedirs(path, exist_ok=True)
            self.addCleanup(os.rmdir, path)
        else:
            self.pass_memory_on(os.path.dirname(self.lab.cgroup))
            path = self.lab.unsteered_cgroup()
        for name in ("memory.limit_in_bytes", "memory.max"):
            if os.path.exists(f"{path}/{name}"):
                with open(f"{path}/{name}", "w") as file:
                    file.write("30000000")
                return path
        raise unittest.SkipTest("no memory cgroups: the kernel's or the machine's cgroup setup lacks the controller")

    def pass_memory_on(self, parent):
        """To the cgroups below, where it is there and nobody has done so yet; until the test ends."""
        def controllers(name):
            with open(f"{parent}/cgroup.{name}") as file:
                return file.read().split()

        def switch(word):
            with open(parent + "/cgroup.subtree_control", "w") as file:
                file.write(word + "memory")
        if "memory" in controllers("controllers") and "memory" not in controllers("subtree_control"):
            switch("+")
            self.addCleanup(switch, "-")

    def test_the_agent_is_killed_for_want_of_memory(self):
        path, before = self.limited(), self.settled()
        with open(path + "/cgroup.procs", "w") as file:
            file.write(str(self.lab.agent.pid))
        with Background(self.client) as load:
            self.lab.write_mesh("services:\n" + "".join(
                f"  s{n}: {{addresses: [10.97.{n // 250}.{n % 250 + 1}], ports: [{{port: 80}}], endpoints: ["
                + ", ".join(f"{{address: 10.98.{e}.{n % 250 + 1}}}" for e in range(40)) + "]}\n" for n in range(5000)),
                "huge.yaml")
            self.assertEqual(self.lab.agent.wait(30), -signal.SIGKILL)
            os.unlink(self.lab.mesh + "/huge.yaml")
            time.sleep(0.5)
            self.lab.start_agent()
        self.assertEqual((load.errors, load.wrong_peer), ({}, 0))
        self.assertEqual(self.settled()["opened"] - before["opened"], load.total)


class Cgroup(LabCase):
    def test_the_cgroup_is_removed_and_made_again(self):
        self.lab.expected_failures.add("hooks-lost")
        self.assert_clean(self.client.connects(VIP, 80, count=20))
        for pod in (self.a, self.b):
            getattr(self, pod.name + "_server").stop()
        remove_cgroup(self.lab.cgroup, kill=True)
        self.assertFalse(os.path.exists(self.lab.cgroup))
        wait_for(lambda: "hooks-lost" in self.lab.agent_log(), "the loss to be said", 3)
        self.assertIn(f"nothing is steered, since the cgroup {self.lab.cgroup} is gone", self.lab.agent_log())
        os.mkdir(self.lab.cgroup)
        for pod in (self.a, self.b, self.client):
            os.mkdir(pod.cgroup)
        for pod in (self.a, self.b):
            pod.serve()
        wait_for(lambda: self.client.connects(VIP, 80, count=1)["errors"] == {}, "connects to be steered again", 3)
        before = self.settled()
        self.assert_clean(self.client.connects(VIP, 80, count=100))
        self.assertEqual(self.settled()["opened"] - before["opened"], 100)
        self.assertEqual(self.lab.weir("check", check=False).returncode, 0)
        self.assertIn('source_workload="client"', self.lab.metrics())

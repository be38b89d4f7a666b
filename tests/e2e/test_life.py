# SPDX-License-Identifier: Apache-2.0
"""The life of the kernel objects: killed agents, adoption, upgrades, detached links, uninstall, all under load."""

import json
import os
import re
import signal
import subprocess
import time
import unittest

from case import BIN, SLOW, VIP, VIP6, Background, LabCase, run, service_yaml, wait_for
from pinned import pins_of


def kernel_objects(lab):
    """The ids of the pinned tables, and of the programs behind the pinned links: ("map", "17"), …"""
    pins = pins_of(lab)
    found = {("map", re.match(r"(\d+):", run("bpftool", "map", "show", "pinned", f"{pins}/maps/{name}"))[1])
             for name in os.listdir(pins + "/maps")}
    return found | {("prog", re.search(r" prog (\d+)", run("bpftool", "link", "show", "pinned", f"{pins}/links/{name}"))[1])
                    for name in os.listdir(pins + "/links")}


class Life(LabCase):
    def objects(self):
        """Pins by name, which weir programs are attached at the lab's cgroup, and the ids of the tables."""
        pins = sorted(p for kind in ("maps", "links") for p in os.listdir(f"{pins_of(self.lab)}/{kind}"))
        out = run("bpftool", "cgroup", "show", self.lab.cgroup)
        tables = sorted(number for kind, number in kernel_objects(self.lab) if kind == "map")
        return pins, sorted(re.findall(r"weir_\w+", out)), tables, len(kernel_objects(self.lab))

    def test_kill_9_twenty_times_under_load(self):
        pins = self.objects()
        before = self.settled()
        with Background(self.client) as load:
            for _ in range(20):
                self.lab.kill_agent(signal.SIGKILL)
                time.sleep(0.05)
                self.lab.start_agent()
        self.assertEqual(load.errors, {})
        self.assertEqual(load.wrong_peer, 0)
        self.assertGreater(load.total, 1000 / SLOW)
        after = self.settled()
        # Nothing bypassed steering: each greeting is a connection that weir counted.
        self.assertEqual(after["closed"] - before["closed"], load.total)
        self.assertEqual(after["opened"] - before["opened"], load.total)
        self.assertEqual(self.objects(), pins)

    def test_the_next_agent_adopts_and_applies_at_once(self):
        """Well before anything that it does now and then; how fast is a figure: tests/bench, scale."""
        self.lab.kill_agent()
        self.lab.write_mesh(self.mesh_of([self.b.ip]))
        generation = self.lab.weir("status", "-o", "json", parse=True)["generation"]
        self.lab.start_agent(wait=False)
        wait_for(lambda: self.client.connects(VIP, 80, count=10)["greeted"] == {"b": 10}, "the change", 10 * SLOW)
        wait_for(self.lab._ready, "the agent")
        self.assertEqual(self.lab.weir("status", "-o", "json", parse=True)["generation"], generation + 1)
        self.lab.apply(self.mesh())

    def test_traffic_and_screen_without_an_agent(self):
        names = lambda: [self.lab.weir(c, "-o", "wide").stdout for c in ("services", "endpoints")]  # noqa: E731
        self.settled()
        alive = names()
        self.lab.kill_agent()
        try:
            self.assertEqual(names(), alive)
            self.assertIn("no agent answers", self.lab.weir("services").stderr)
            self.assertRegex(self.lab.weir("status").stdout, r"AGENT +not running, last seen \d+s ago")
            check = self.lab.weir("check", check=False)
            self.assertEqual(check.returncode, 1)
            self.assertIn("× the agent answers", check.stdout)
            tally = self.client.connects(VIP, 80, count=100)
            self.assert_clean(tally)
        finally:
            self.lab.start_agent()

    def test_an_agent_that_leaves_in_order_leaves_the_data_plane(self):
        self.assertEqual(self.lab.kill_agent(signal.SIGTERM), 0)
        self.assertIn("its programs stay attached", self.lab.agent_log())
        self.assertRegex(self.lab.weir("status").stdout, r"not running \(it left in order\)")
        self.assert_clean(self.client.connects(VIP, 80, count=100))
        self.lab.start_agent()

    def test_upgrade_and_back_under_load(self):
        self.assertIn("0.1.0-next", run(BIN + "/weir-agent-next", "--version"))
        pins = self.objects()
        before = self.settled()
        with Background(self.client) as load:
            for binary in ("weir-agent-next", "weir-agent") * 3:
                ids = self._program_ids()
                self.lab.kill_agent(signal.SIGTERM)
                self.lab.start_agent(binary=f"{BIN}/{binary}")
                self.assertTrue(ids.isdisjoint(self._program_ids()), "programs were not replaced")
        self.assertEqual((load.errors, load.wrong_peer), ({}, 0))
        after = self.settled()
        self.assertEqual(after["opened"] - before["opened"], load.total)
        self.assertEqual(after["closed"] - before["closed"], load.total)
        self.assertEqual(self.objects(), pins)

    def _program_ids(self):
        return set(re.findall(r"^(\d+) ", run("bpftool", "cgroup", "show", self.lab.cgroup), re.M))

    def test_long_connections_live_through_restarts(self):
        held = [self.client.start(BIN + "/weir-peer", "hold", VIP, 80, "--interval", "20") for _ in range(5)]
        for process in held:
            process.first_line("holding")
        for _ in range(3):
            self.lab.kill_agent(signal.SIGKILL)
            self.lab.start_agent()
        self.assertEqual(self.totals()["active"], 5)
        for process in held:
            self.assertIn('"errors": 0', process.stop())
        self.settled()

    def test_a_table_that_a_build_adds_is_filled_before_its_programs_need_it(self):
        # As after an upgrade from a build without the address filter: its programs do not look there.
        self.settled()
        before = self.totals()
        with Background(self.client) as load:
            for _ in range(5):
                time.sleep(0.1)
                self.lab.kill_agent(signal.SIGKILL)
                os.unlink(f"{pins_of(self.lab)}/maps/weir_vip_filter")
                self.lab.start_agent()
        self.assertEqual((load.errors, load.wrong_peer), ({}, 0))
        self.assertEqual(self.settled()["opened"] - before["opened"], load.total)

    def test_a_hook_that_is_missing_is_seen_without_an_agent(self):
        self.lab.kill_agent()
        os.unlink(f"{pins_of(self.lab)}/links/weir_connect4")  # its last holder: connects go past weir now
        self.assertIn("12 of 13 attached, not weir_connect4", self.lab.weir("status").stdout)
        self.assertIn("× weir_connect4 is attached", self.lab.weir("check", check=False).stdout)
        self.lab.start_agent()
        self.assertIn("13 of 13 attached", self.lab.weir("status").stdout)
        self.assert_clean(self.client.connects(VIP, 80, count=20))

    def test_an_agent_that_hangs_is_seen(self):
        self.lab.agent.send_signal(signal.SIGSTOP)
        try:
            status = self.lab.weir("status")
            check = self.lab.weir("check", check=False)
        finally:
            self.lab.agent.send_signal(signal.SIGCONT)
        self.assertRegex(status.stdout, r"AGENT +does not answer, last turn \d+s ago, pid")
        self.assertRegex(check.stdout, r"× the agent answers\n.*is there, but the agent does not answer\n.*SIGKILL")
        wait_for(self.lab._ready, "the agent to answer again")

    def test_counts_stay_with_their_names_over_a_restart(self):
        mesh = lambda first, second: ("services:\n" + service_yaml("first.x", [first], [self.a.ip])  # noqa: E731
                                      + service_yaml("second.x", [second], [self.b.ip]))
        self.lab.apply(mesh("10.96.7.1", "10.96.7.2"), "names.yaml")
        self.client.connects("10.96.7.1", 80, count=7)
        self.client.connects("10.96.7.2", 80, count=3)
        self.lab.kill_agent()
        self.lab.write_mesh(mesh("10.96.7.2", "10.96.7.1"), "names.yaml")
        self.lab.start_agent()
        opened = lambda name: self.lab.service(name)["counts"]["opened"]  # noqa: E731
        self.assertEqual((opened("first.x"), opened("second.x")), (7, 3))
        self.assertEqual(self.client.connects("10.96.7.1", 80, count=5)["greeted"], {"b": 5})
        # Another service at the address of one that goes: none of its counts.
        self.lab.apply("services:\n" + service_yaml("third.x", ["10.96.7.1"], [self.a.ip]), "names.yaml")
        self.assertEqual(opened("third.x"), 0)
        os.unlink(self.lab.mesh + "/names.yaml")

    def test_other_sock_ops_programs_keep_their_callbacks(self):
        program = f"{self.lab.bpffs}/foreign_ops"
        run("bpftool", "prog", "load", BIN + "/../tests/e2e/foreign_ops.bpf.o", program)
        run("bpftool", "cgroup", "attach", self.client.cgroup, "sock_ops", "pinned", program, "multi")
        try:
            ids = json.loads(run("bpftool", "-j", "prog", "show", "pinned", program))["map_ids"]
            before = self.settled()
            held = self.client.start(BIN + "/weir-peer", "hold", VIP, 80, "--interval", "10")
            held.first_line("holding")
            time.sleep(0.3)
            self.assertIn('"errors": 0', held.stop())
            after = self.settled()
            self.assertEqual(after["closed"] - before["closed"], 1)
            rtts = json.loads(run("bpftool", "-j", "map", "lookup", "id", str(ids[0]), "key", "0", "0", "0", "0"))
            self.assertGreater(int(rtts["formatted"]["value"]), 5, "its round-trip times stopped with weir's program")
        finally:
            run("bpftool", "cgroup", "detach", self.client.cgroup, "sock_ops", "pinned", program)
            os.unlink(program)

    def test_a_detached_hook_is_repaired(self):
        pin = f"{pins_of(self.lab)}/links/weir_connect4"
        run("bpftool", "link", "detach", "pinned", pin)
        wait_for(lambda: "weir_connect4" in self.objects()[1], "the hook to be attached again", 2)
        self.assertIn("hooks-reattached", self.lab.agent_log())
        self.assertRegex(self.lab.metrics(), r"weir_hooks_reattached_total [1-9]")
        self.assert_clean(self.client.connects(VIP, 80, count=20))


class Uninstall(LabCase):
    def test_nothing_is_left_and_open_connections_live_on(self):
        held = [self.client.start(BIN + "/weir-peer", "hold", address, 80, "--interval", "20") for address in (VIP, VIP6)]
        for process in held:
            process.first_line("holding")
        ids = kernel_objects(self.lab)
        self.assertGreaterEqual(len(ids), 8 + 10)
        refused = self.lab.weir("uninstall", "--verify", check=False)
        self.assertEqual(refused.returncode, 16)
        self.assertIn("stop it first", refused.stderr)
        self.lab.kill_agent(signal.SIGTERM)
        done = self.lab.weir("uninstall", "--verify")
        self.assertIn("nothing of weir is left", done.stdout)
        self.assertFalse(os.path.exists(self.lab.bpffs + "/weir"))
        self.assertFalse(os.path.exists(self.lab.state))
        self.assertNotIn("weir_", run("bpftool", "cgroup", "tree", self.lab.cgroup))
        time.sleep(0.3)
        for process in held:
            self.assertIn('"errors": 0', process.stop())
        wait_for(lambda: not self.still_there(ids), "the programs and tables to leave the kernel", 5)

    @staticmethod
    def still_there(ids):
        return {(kind, number) for kind, number in ids
                if subprocess.run(["bpftool", kind, "show", "id", number], capture_output=True).returncode == 0}

    def test_verify_names_what_is_left(self):
        self.lab.start_agent()
        self.lab.kill_agent(signal.SIGTERM)
        # A program that a link of somebody's own keeps attached, as a second weir would.
        program = self.lab.bpffs + "/stranger"
        prog_id = re.search(r"^(\d+) .*weir_peer4", run("bpftool", "cgroup", "show", self.lab.cgroup), re.M)[1]
        run("bpftool", "prog", "pin", "id", prog_id, program)
        self.lab.weir("uninstall")
        run("bpftool", "cgroup", "attach", self.lab.cgroup, "getpeername4", "pinned", program, "multi")
        done = self.lab.weir("uninstall", "--verify", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"left: program \d+ \(weir_peer4\) at ")
        run("bpftool", "cgroup", "detach", self.lab.cgroup, "getpeername4", "pinned", program)
        os.unlink(program)
        self.assertEqual(self.lab.weir("uninstall", "--verify").returncode, 0)


if __name__ == "__main__":
    unittest.main()

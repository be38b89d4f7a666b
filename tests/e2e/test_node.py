# SPDX-License-Identifier: Apache-2.0
"""What belongs to this node: agent.yaml, its mode and exclusions, `weir config`, `hosts` and `rollback`."""

import json
import os
import re
import subprocess
import unittest

from case import BIN, VIP, VIP6, LabCase, service_yaml, wait_for


class AgentFile(LabCase):
    def restart(self, text, *flags):
        self.lab.kill_agent()
        self.lab.write_config(text)
        self.lab.start_agent(*flags)

    def tearDown(self):
        self.restart("")

    def opened(self):
        self.settled()
        return self.totals()["opened"]

    def test_config_says_where_each_setting_comes_from(self):
        self.restart("zone: b\nmode: observe\nudp: {idle: 10s}\nexclude: {cgroups: [system.slice/sshd*]}\n")
        rows = {row["setting"]: row for row in self.lab.weir("config", "-o", "json", parse=True)["items"]}
        self.assertEqual((rows["zone"]["value"], rows["zone"]["origin"]), ("b", self.lab.config + ":1:7"))
        self.assertEqual((rows["mesh"]["value"], rows["mesh"]["origin"]), (self.lab.mesh, "flag --mesh"))
        self.assertEqual((rows["udp.idle"]["value"], rows["mode"]["value"]), ("10s", "observe"))
        self.assertEqual(rows["exclude.cgroups"]["value"], "/system.slice/sshd*")
        self.assertEqual((rows["tables.edges"]["value"], rows["tables.edges"]["origin"]), ("16384", "default"))
        self.assertGreaterEqual(rows["tables.edges"]["bytes"], 16384 * 80)
        seen = subprocess.run([BIN + "/weir", "config", "--config", self.lab.config], text=True, capture_output=True,
                              env={**os.environ, "WEIR_MESH": "/from/environment"}).stdout
        self.assertRegex(seen, r"mesh +/from/environment +- +environment WEIR_MESH")
        self.assertRegex(self.lab.weir("config").stdout, r"Tables take \d+\.\dMiB of kernel memory, \d")
        self.assertRegex(self.lab.metrics(), r'weir_build_info\{version="[^"]+",zone="b"\} 1')
        self.assertIn("MODE        observe", self.lab.weir("status").stdout)
        self.assertIn("‼ this node steers", self.lab.weir("check").stdout)

    def test_config_of_a_service_names_file_and_line(self):
        self.restart("mode: observe\n")
        rows = {row["setting"]: row for row in self.lab.weir("config", "orders.shop", "-o", "json", parse=True)["items"]}
        self.assertEqual((rows["mode"]["value"], rows["mode"]["origin"]), ("observe", self.lab.config + ":1:7"))
        self.assertEqual((rows["affinity.timeout"]["value"], rows["affinity.timeout"]["origin"]), ("", "default"))
        self.assertRegex(rows["balance.algorithm"]["origin"], "^" + self.lab.mesh + r"/\w+\.yaml:\d+:\d+$")
        path, line, column = rows["balance.algorithm"]["origin"].rsplit(":", 2)
        with open(path) as file:
            self.assertTrue(file.read().split("\n")[int(line) - 1][int(column) - 1:].startswith(rows["balance.algorithm"]["value"]))
        self.lab.kill_agent()  # it is read from what is saved
        self.assertIn("observe", self.lab.weir("config", "orders.shop").stdout)
        wrong = self.lab.weir("config", "order.shop", check=False)
        self.assertEqual((wrong.returncode, wrong.stderr), (1, 'weir: no service "order.shop": see `weir services`\n'))

    def test_flags_beat_the_file(self):
        self.restart("listen: 127.0.0.1:1\n")  # the lab's --listen is the one that holds
        self.assertIn("weir_build_info", self.lab.metrics())

    def test_all_mistakes_are_told_and_nothing_starts(self):
        self.lab.kill_agent()
        self.lab.write_config("zone: [a]\nmodes: off\ntables: {edges: 0, edgs: 5}\nexclude: {cgroups: ['a*b']}\nudp: {idle: 5}\n")
        agent = self.lab.start_agent(wait=False)
        self.assertEqual(agent.wait(10), 2)
        log = self.lab.agent_log()
        for wanted in (":1:7: error: `zone` is a list", ':2:1: error: unknown key "modes"', "did you mean \"mode\"?",
                       ":3:17: error: `tables.edges`", 'unknown key "edgs"', "a * before its end", "`udp.idle` is \"5\", not a time"):
            self.assertIn(wanted, log)
        self.assertEqual(self.lab.weir("status", check=False).returncode, 1)

    def test_a_file_that_was_named_must_be_there(self):
        done = subprocess.run([BIN + "/weir", "hosts", "--config", "/nowhere.yaml"], text=True, capture_output=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere.yaml: error: cannot be read", done.stderr)

    def test_excluded_cgroups_are_left_alone(self):
        self.restart("exclude: {cgroups: ['%s*']}\n" % self.lab.pattern("kept"))
        outside = self.lab.make_cgroup("kept-out")  # made after the start
        before = self.opened()
        probe = self.client.start(BIN + "/weir-peer", "probe", VIP, 80, cgroup=outside)
        self.assertIn("ENETUNREACH", probe.communicate(timeout=10)[0])
        self.assertEqual(self.client.probe(VIP, 80)["errno"], "")
        self.assertEqual(self.opened() - before, 1)
        self.restart("")
        probe = self.client.start(BIN + "/weir-peer", "probe", VIP, 80, cgroup=outside)
        self.assertIn('"errno": ""', probe.communicate(timeout=10)[0])

    def test_the_whole_node_off(self):
        self.restart("mode: off\n")
        self.assertEqual(self.client.probe(VIP, 80)["errno"], "ENETUNREACH")
        self.restart("")
        self.assertEqual(self.client.probe(VIP, 80)["errno"], "")


class Hosts(LabCase):
    @classmethod
    def mesh(cls):
        return cls.mesh_of([cls.a.ip], extra=service_yaml("db.shop", ["10.96.0.40"], []))

    def test_names_work(self):
        text = self.lab.weir("hosts").stdout
        self.assertEqual(text, f"# BEGIN weir\n10.96.0.40 db.shop\n{VIP} orders.shop\n{VIP6} orders.shop\n# END weir\n")
        # As a resolver reads it.
        path = self.lab.directory + "/hosts"
        with open(path, "w") as file:
            file.write("127.0.0.1 localhost\n" + text)
        found = self.client.run("unshare", "-m", "sh", "-c",
                                f"mount --bind {path} /etc/hosts && getent ahostsv4 orders.shop && getent hosts db.shop")
        self.assertIn(VIP, found)
        self.assertIn("10.96.0.40", found)
        self.assertEqual(self.lab.weir("hosts", "-o", "json", parse=True)["items"][0],
                         {"address": "10.96.0.40", "name": "db.shop"})


class Rollback(LabCase):
    def generations(self):
        return [g["generation"] for g in self.lab.weir("rollback", "--list", "-o", "json", parse=True)["items"]]

    def served(self):
        return set(self.client.connects(VIP, 80, count=4)["greeted"])

    def test_back_and_forth(self):
        self.lab.apply(self.mesh_of([self.a.ip]))
        self.lab.apply(self.mesh_of([self.b.ip]))
        self.lab.apply("services:\n" + service_yaml("more.shop", ["10.96.0.41"], []), name="more.yaml")
        self.assertEqual(self.served(), {"b"})
        said = self.lab.weir("rollback").stdout
        self.assertRegex(said, r"- service more.shop.*\ngeneration \d+ is in force")
        self.assertFalse(os.path.exists(self.lab.mesh + "/more.yaml"))
        only_a = self.generations()[1]
        self.lab.weir("rollback", str(only_a))
        self.assertEqual(self.served(), {"a"})
        # A broken directory: the newest good one, which is still in force.
        self.lab.write_mesh("services: [\n")
        wait_for(lambda: "stale" in self.lab.weir("status").stdout, "the error to be seen")
        self.lab.weir("rollback")
        self.assertEqual(self.served(), {"a"})
        self.assertIn("in force", self.lab.weir("status").stdout)
        self.assertIn("√ the mesh directory is in force", self.lab.weir("check").stdout)

    def test_ten_are_kept(self):
        for number in range(12):
            self.lab.apply(self.mesh_of([(self.a.ip, number + 1), self.b.ip]))
        kept = self.generations()
        self.assertEqual(len(kept), 10)
        self.assertEqual(kept, sorted(kept))
        self.lab.kill_agent()
        self.lab.start_agent()
        self.assertEqual(self.generations(), kept, "a restart adds none")

    def test_mistakes_are_told(self):
        for words, code, wanted in (((), 1, ""), (("99999",), 1, "not among the last good ones"), (("x",), 2, "no generation")):
            if words:
                done = self.lab.weir("rollback", *words, check=False)
                self.assertEqual((done.returncode, wanted in done.stderr), (code, True), done.stderr)


if __name__ == "__main__":
    unittest.main()
